import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import type { Answer } from '../../../testkit/built-server.ts'
import { docker } from '../../../testkit/docker/images.ts'
import { memoryRegistry } from '../../../testkit/docker/memory-registry.ts'
import { type Shape, workload } from '../../../testkit/kubernetes/cluster.ts'
import { execute } from '../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'what belongs to a version beside its pod template', (backend) => {
  const scene = useCluster(backend)
  const { cluster, serve, crashing } = scene
  const good = scene.image('1.1.0')
  const bad = scene.image('1.2.0', 'crash')
  const third = scene.image('1.3.0', 'crash')
  const riskOf = ({ risks }: Answer, id: string): Answer => risks.find((risk: Answer) => risk.id.startsWith(`${id}:`))

  it.concurrent('a Service that selects only the failed version is a risk before and a failed check after', async () => {
    const service = (ver: string): JsonObject => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'led' },
      spec: { selector: { app: 'led', ver }, ports: [{ port: 80, targetPort: 8080 }] }
    })
    const deployment = (ver: string, image: string): JsonObject => {
      const made = workload({ name: 'led', image, replicas: 1 }) as { spec: { template: JsonObject } }
      const template = { ...made.spec.template, metadata: { labels: { app: 'led', ver } } }
      return { ...made, spec: { ...made.spec, template } }
    }
    await cluster.apply(service('1'))
    await cluster.rolledOut(deployment('1', good))
    await cluster.apply(service('2'))
    await cluster.apply(deployment('2', bad))
    await crashing('led')
    const server = await serve({ workloads: ['deployment/led'] })
    const assessment = await server.call('assess_rollback')
    const command = `patch service led -p '{"spec":{"selector":{"ver":"1"}}}'`
    expect(riskOf(assessment, 'leads_nowhere')).toMatchObject({
      id: `leads_nowhere:services/${cluster.namespace}/led`,
      serious: true,
      detail: expect.stringContaining(command)
    })
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'stuck', summary: expect.stringContaining(command) })

    await cluster.kubectl('patch', 'service', 'led', '-p', '{"spec":{"selector":{"ver":"1"}}}')
    expect(await server.call('verify_rollback', { soak_seconds: 1 })).toMatchObject({ verdict: 'healthy' })
    await cluster.kubectl('delete', 'deployment', 'led', '--wait=false')
  })

  it.concurrent('a restart after an edit of a ConfigMap cannot be undone by going back, and nothing is changed', async () => {
    const config = (mode: string): JsonObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'edited' },
      data: { mode }
    })
    await cluster.apply(config('good'))
    const container: JsonObject = { envFrom: [{ configMapRef: { name: 'edited' } }] }
    await cluster.rolledOut(workload({ name: 'edited', image: good, replicas: 1, container }))
    await cluster.apply(config('bad'))
    await cluster.kubectl('rollout', 'restart', 'deployment/edited')
    await cluster.kubectl('rollout', 'status', 'deployment/edited')
    const server = await serve({ workloads: ['deployment/edited'] })
    const assessment = await server.call('assess_rollback', { version: 'revision-1' })
    expect(assessment.blockers).toMatchObject([
      {
        id: `nothing_changes:deployment/${cluster.namespace}/edited`,
        why: expect.stringMatching(/new pods of both run .*web:1\.1\.0 \(sha256:[0-9a-f]{12}\)/)
      }
    ])
    expect(await execute(server, assessment)).toMatchObject({ isError: true })
    expect(await server.call('assess_rollback')).toMatchObject({ recommended: null })
    await cluster.kubectl('delete', 'deployment', 'edited', '--wait=false')
  })

  it.concurrent('a ConfigMap that is applied before the failed version is named, by what was kept and by time', async () => {
    const config = (mode: string): JsonObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'before' },
      data: { mode }
    })
    const container: JsonObject = { envFrom: [{ configMapRef: { name: 'before' } }] }
    const deployment = (of: string) => workload({ name: 'before', image: of, replicas: 1, container })
    await cluster.apply(config('good'))
    await cluster.rolledOut(deployment(good))
    await cluster.apply(config('bad'))
    await cluster.apply(deployment(bad))
    await crashing('before')
    const project = await scene.project({ workloads: ['deployment/before'] })
    const server = await project.serve()
    const first = await server.call('assess_rollback')
    expect(riskOf(first, 'config_changed')).toMatchObject({
      id: `config_changed:configmaps/${cluster.namespace}/before`,
      serious: true,
      detail: expect.stringMatching(/shortly before the next revision|after the pod before-\S+ became ready/)
    })

    await cluster.apply(config('good'))
    expect(await execute(server, await server.call('assess_rollback'))).toMatchObject({ outcome: 'succeeded' })
    const kept = await cluster.kubectl('get', 'replicasets', '-l', 'app=before', '-o', 'json')
    expect(kept).toMatch(/rollback.popkit\/configuration.*configmaps\/before/)
    await cluster.apply(workload({ name: 'before', image: third, replicas: 1, container }))
    await crashing('before')
    const second = await server.call('assess_rollback')
    expect(riskOf(second, 'config_changed')).toBeUndefined()
    expect(second.risks.map(({ id }: Answer) => id)).not.toContain('config_unknown')
    await cluster.apply(config('bad'))
    const last = await server.call('assess_rollback')
    expect(riskOf(last, 'config_changed')).toMatchObject({
      serious: true,
      detail: expect.stringMatching(/^It was written to since that version was proven/)
    })
    await cluster.kubectl('delete', 'deployment', 'before', '--wait=false')
  })

  it.concurrent('the next server-side apply meets no conflict and removes what only the old template has', async () => {
    const applied = async (of: string, sidecar: string, more: JsonObject = {}): Promise<void> => {
      const beside = { name: sidecar, image: good, imagePullPolicy: 'IfNotPresent', command: ['sleep', '3600'] }
      const made = workload({ name: 'owned', image: of, replicas: 1, container: more }) as {
        spec: { template: { spec: { containers: JsonObject[] } } }
      }
      made.spec.template.spec.containers.push(beside)
      const file = join(tmpdir(), `${cluster.namespace}-owned.json`)
      await writeFile(file, JSON.stringify(made))
      await cluster.kubectl('apply', '--server-side', '-f', file).finally(() => rm(file))
    }
    const containers = () =>
      cluster.kubectl('get', 'deployment/owned', '-o', 'jsonpath={..containers[*].name} {..env[*].name}')
    await applied(good, 'proxy', { env: [{ name: 'OLD', value: 'x' }] })
    await cluster.kubectl('rollout', 'status', 'deployment/owned')
    await applied(bad, 'mesh')
    await crashing('owned')
    const server = await serve({ workloads: ['deployment/owned'] })
    const done = await execute(server, await server.call('assess_rollback'))
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await containers()).toBe('web proxy OLD')
    await applied(third, 'mesh')
    expect(await containers()).toBe('web mesh')
    await cluster.kubectl('delete', 'deployment', 'owned', '--wait=false')
  })

  it.concurrent('a CronJob and a migration Job of the failed version are named', async () => {
    const labels = { 'app.kubernetes.io/part-of': 'whole' }
    const pods = (of: string): JsonObject => ({
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [{ name: 'main', image: of, imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', ':'] }]
        }
      }
    })
    const versions = await cluster.kubectl('api-resources', '--api-group=batch', '-o', 'wide')
    const job = (name: string, of: string): JsonObject => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, labels },
      spec: pods(of)
    })
    const cron = (of: string): JsonObject => ({
      apiVersion: /^cronjobs.*batch\/v1 /m.test(versions) ? 'batch/v1' : 'batch/v1beta1',
      kind: 'CronJob',
      metadata: { name: 'nightly', labels },
      spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: pods(of) } }
    })
    const shape = { name: 'whole', replicas: 1, labels: { ...labels, 'app.kubernetes.io/version': '1.2.0' } }
    await cluster.apply(job('migrate-1', good))
    await cluster.apply(cron(good))
    await cluster.rolledOut(workload({ ...shape, image: good }))
    await cluster.apply(cron(bad))
    await cluster.apply(job('migrate-2', bad))
    await cluster.kubectl('wait', 'job/migrate-2', '--for=condition=complete', '--timeout=60s')
    await cluster.apply(workload({ ...shape, image: bad }))
    await crashing('whole')
    const server = await serve({ workloads: ['deployment/whole'] })
    const assessment = await server.call('assess_rollback')
    expect(riskOf(assessment, 'ran').detail).toBe(`job/migrate-2 ran ${bad}.`)
    const stays = riskOf(assessment, 'stays')
    expect(stays).toMatchObject({ serious: true, detail: expect.stringContaining(`cronjob/nightly runs ${bad}`) })
    expect(assessment.summary).toContain('deployment/whole keeps app.kubernetes.io/version=1.2.0')
    await cluster.kubectl('set', 'image', 'cronjob/nightly', `main=${good}`)
    const after = riskOf(await server.call('assess_rollback'), 'stays')
    expect(after?.detail ?? '').not.toContain('nightly')
    await cluster.kubectl('delete', 'deployment/whole', 'cronjob/nightly', '--wait=false')
  })

  it.concurrent('a tag that was moved: the digest that served goes into the template, and the next apply ends that', async () => {
    const registry = scene.closing(await memoryRegistry())
    const tag = `${registry.host}/moved:latest`
    const moveTo = async (of: string): Promise<string> => {
      await docker('tag', of, tag)
      await docker('push', tag)
      return docker('inspect', '--format', '{{index .RepoDigests 0}}', tag)
    }
    const digest = await moveTo(good)
    const shape: Shape = { name: 'moved', image: tag, replicas: 1 }
    await cluster.rolledOut(workload(shape))
    await moveTo(bad)
    await cluster.kubectl('rollout', 'restart', 'deployment/moved')
    await crashing('moved')
    const server = await serve({ workloads: ['deployment/moved'] })
    const assessment = await server.call('assess_rollback')
    expect(riskOf(assessment, 'pinned').detail).toMatch(/latest was sha256:.* and is sha256:/)
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await scene.imageOf('deployment/moved')).toBe(digest)
    expect(await server.call('assess_rollback')).toMatchObject({ current: { version: assessment.plan.version } })
    expect(await server.call('verify_rollback', { soak_seconds: 1 })).toMatchObject({ verdict: 'healthy' })
    await cluster.apply(workload(shape))
    const after = await cluster.get('deployment/moved')
    expect(after.spec.template.spec.containers[0].image).toBe(tag)
    expect(after.spec.template.metadata.annotations ?? {}).toEqual({})
    await cluster.kubectl('delete', 'deployment', 'moved')
    await cluster.kubectl('wait', 'pods', '-l', 'app=moved', '--for=delete', '--timeout=60s').catch(() => undefined)
    await docker('rmi', '-f', tag, digest).catch(() => undefined)
  })
})
