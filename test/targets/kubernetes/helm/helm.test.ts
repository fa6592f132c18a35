import { delimiter } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import type { Answer } from '../../../../testkit/built-server.ts'
import { type Cluster, createCluster, until } from '../../../../testkit/kubernetes/cluster.ts'
import { createScene, execute, type Scene } from '../../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { type Chart, createChart } from './helm-scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('helm', "a release of Helm's through the built server", (backend) => {
  let cluster: Cluster
  let chart: Chart
  let good: string
  let bad: string
  const scenes: Scene[] = []
  const withHelm = { PATH: `${backend.folder}${delimiter}${process.env.PATH}` }

  beforeAll(async () => {
    cluster = await createCluster(backend.kubeconfig ?? '')
    chart = await createChart(cluster, backend.folder ?? '')
    good = await cluster.image('1.1.0')
    bad = await cluster.image('1.3.0', 'crash')
  })
  afterAll(async () => {
    for (const scene of scenes) await scene.close()
    await chart.remove()
    await cluster.remove()
  })

  const sceneFor = async (name: string, config: JsonObject = {}): Promise<Scene> => {
    const scene = await createScene(cluster, { workloads: [`deployment/${name}`], ...config })
    scenes.push(scene)
    return scene
  }
  const crashing = (name: string) =>
    until('the crash', async () => /CrashLoop|Error/.test(await cluster.kubectl('get', 'pods', '-l', `app=${name}`)))
  const image = (name: string) =>
    cluster.kubectl('get', `deployment/${name}`, '-o', 'jsonpath={.spec.template.spec.containers[0].image}')
  const readyImages = (name: string) =>
    cluster.kubectl(
      'get',
      'pods',
      '-l',
      `app=${name}`,
      '--field-selector=status.phase=Running',
      '-o',
      'jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.spec.containers[0].image}{"\\n"}{end}'
    )
  const statuses = async (name: string) => (await chart.history(name)).map(({ status }) => status)
  const ids = (list: Answer[]) => list.map(({ id }) => id)

  it.concurrent('goes back by helm to the last revision that served, past one that failed', async () => {
    await chart.deploy('shop', { image: good, hook: 'yes' }, '--wait')
    await expect(
      chart.deploy('shop', { image: 'popk-nowhere.invalid/web:1.2.0' }, '--wait', '--timeout', '3s')
    ).rejects.toThrow()
    await chart.deploy('shop', { image: bad, extra: 'yes' })
    await crashing('shop')
    expect(await statuses('shop')).toEqual(['superseded', 'failed', 'deployed'])

    const scene = await sceneFor('shop')
    const server = await scene.serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback', { investigate: true })
    expect(assessment, assessment.summary).toMatchObject({
      current: { version: '1.3.0', failed: expect.anything() },
      recommended: { version: '1.1.0' },
      blockers: []
    })
    expect(JSON.stringify(assessment.candidates)).toContain('Helm records revision 2 as failed')
    expect(ids(assessment.risks)).toEqual(expect.arrayContaining(['helm_hooks:1', 'helm_deletes:3-1']))
    expect(await execute(server, assessment, { accept: [] })).toMatchObject({ isError: true })
    expect(await execute(server, assessment, { dry_run: true })).toMatchObject({ outcome: 'checked' })
    expect(await statuses('shop')).toEqual(['superseded', 'failed', 'deployed'])

    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded', to: { version: '1.1.0' } })
    expect((await chart.history('shop')).at(-1)).toMatchObject({ status: 'deployed', description: 'Rollback to 1' })
    expect((await readyImages('shop')).split('\n')).toEqual([good, good])
    expect(await cluster.kubectl('get', 'configmap', 'shop-extra', '--ignore-not-found')).toBe('')

    const again = await server.call('assess_rollback')
    expect(again, again.summary).toMatchObject({ current: { version: '1.1.0' }, recommended: null })
    expect(JSON.stringify(again.candidates)).toMatch(/rolled back from/)
    const text = `${JSON.stringify([assessment, done, again])}${await scene.text()}${server.stderr()}`
    expect(text).not.toContain('hunter2')
  })

  it.concurrent('a stuck pending upgrade is a risk to accept, is cleared first, and the next upgrade works', async () => {
    await chart.deploy('stuck', { image: good }, '--wait')
    const upgrade = chart.begin('stuck', { image: bad, extra: 'yes' }, '--wait', '--timeout', '120s')
    await crashing('stuck')
    upgrade.kill('SIGKILL')
    expect(await statuses('stuck')).toEqual(['deployed', 'pending-upgrade'])
    await expect(chart.deploy('stuck', { image: good })).rejects.toThrow(/another operation/)

    const server = await (await sceneFor('stuck')).serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback')
    expect(assessment, assessment.summary).toMatchObject({ recommended: { version: '1.1.0' }, blockers: [] })
    expect(ids(assessment.risks)).toContain('helm_pending:stuck@2')
    expect(assessment.plan.steps[0].title).toMatch(/revision 2 of stuck, pending-upgrade, as failed/)
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await statuses('stuck')).toEqual(['superseded', 'failed', 'deployed'])
    expect((await readyImages('stuck')).split('\n')).toEqual([good, good])
    // what the upgrade that was never finished had made is gone with it
    expect(await cluster.kubectl('get', 'configmap', 'stuck-extra', '--ignore-not-found')).toBe('')
    await chart.deploy('stuck', { image: good, replicas: '1' }, '--wait')
  })

  it.concurrent('a candidate that does not come up is recorded as failed, and what served is back', async () => {
    await chart.deploy('worse', { image: await cluster.image('1.0.0', 'unhealthy'), replicas: '1' })
    await chart.deploy('worse', { image: good, replicas: '1' }, '--wait')
    const server = await (await sceneFor('worse', { deadline_seconds: 20 })).serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback', { version: '1.0.0' })
    const result = await execute(server, assessment)
    expect(result, result.summary).toMatchObject({ outcome: 'undone' })
    expect(result.summary).toMatch(/of 1 pods available/)
    expect(await statuses('worse')).toEqual(['superseded', 'superseded', 'failed', 'deployed'])
    expect(await image('worse')).toBe(good)
  })

  it.concurrent('a candidate whose pods fail for good is not waited for until the time is up', async () => {
    await chart.deploy('hopeless', { image: 'popk-nowhere.invalid/web:1.0.0', replicas: '1' })
    await chart.deploy('hopeless', { image: good, replicas: '1' }, '--wait')
    const server = await (await sceneFor('hopeless', { deadline_seconds: 600 })).serve(undefined, withHelm)
    const result = await execute(server, await server.call('assess_rollback', { version: '1.0.0' }))
    expect(result, result.summary).toMatchObject({ outcome: 'undone' })
    expect(result.summary).toMatch(/ImagePull/)
    expect(await statuses('hopeless')).toEqual(['superseded', 'superseded', 'failed', 'deployed'])
    expect(await image('hopeless')).toBe(good)
  })

  it.concurrent('a StatefulSet of it that waits for a broken pod is freed by a step that is shown', async () => {
    const kind = 'StatefulSet'
    await chart.deploy('db', { kind, image: good }, '--wait')
    await chart.deploy('db', { kind, image: bad })
    await crashing('db')
    const server = await (await sceneFor('db', { workloads: ['statefulset/db'] })).serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(assessment.plan.steps.map(({ title }: Answer) => title)[1]).toMatch(/Deleting the pods .*db-1/)
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect((await readyImages('db')).split('\n')).toEqual([good, good])
    expect((await chart.history('db')).at(-1)).toMatchObject({ status: 'deployed', description: 'Rollback to 1' })
  })

  it.concurrent('what is slow beside a StatefulSet that must be freed is waited for, too', async () => {
    const values = { kind: 'StatefulSet', companion: 'yes', replicas: '1' }
    await chart.deploy('pair', { ...values, image: good }, '--wait')
    await chart.deploy('pair', { ...values, image: bad })
    await crashing('pair')
    const workloads = ['statefulset/pair', 'deployment/pair-slow']
    const server = await (await sceneFor('pair', { workloads })).serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(assessment.plan.steps.map(({ kind, title }: Answer) => kind ?? title).join()).toMatch(/pair-0/)
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await readyImages('pair')).toBe(good)
    expect(await readyImages('pair-slow')).toBe(good)
  })

  it.concurrent('a StatefulSet of it that replaces no pod by itself has its pods deleted by a step that is shown', async () => {
    const values = { kind: 'StatefulSet', replicas: '1' }
    await chart.deploy('ondelete', { ...values, image: good }, '--wait')
    const updateStrategy = { type: 'OnDelete', rollingUpdate: null }
    await cluster.kubectl('patch', 'statefulset/ondelete', '-p', JSON.stringify({ spec: { updateStrategy } }))
    await chart.deploy('ondelete', { ...values, image: bad })
    await cluster.kubectl('delete', 'pod', 'ondelete-0')
    await crashing('ondelete')
    const server = await (await sceneFor('ondelete', { workloads: ['statefulset/ondelete'] })).serve(
      undefined,
      withHelm
    )
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(assessment.plan.steps.map(({ title }: Answer) => title)[1]).toMatch(/old pods .* one by one: ondelete-0/)
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await readyImages('ondelete')).toBe(good)
  })

  it.concurrent("somebody's upgrade between plan and execution is refused and left as it is", async () => {
    await chart.deploy('raced', { image: good, replicas: '1' }, '--wait')
    await chart.deploy('raced', { image: bad, replicas: '1' })
    await crashing('raced')
    const server = await (await sceneFor('raced')).serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback')
    await chart.deploy('raced', { image: bad, replicas: '1', extra: 'fix' })
    expect(await execute(server, assessment)).toMatchObject({ isError: true, error: { code: 'stale_plan' } })
    expect(await statuses('raced')).toEqual(['superseded', 'superseded', 'deployed'])
  })

  it.concurrent('without the helm program it is refused with the exact command', async () => {
    await chart.deploy('alone', { image: good, replicas: '1' }, '--wait')
    await chart.deploy('alone', { image: bad, replicas: '1' })
    await crashing('alone')
    const server = await (await sceneFor('alone')).serve()
    const assessment = await server.call('assess_rollback')
    expect(assessment).toMatchObject({
      recommended: { version: '1.1.0' },
      blockers: [
        {
          id: 'helm:alone',
          why: expect.stringContaining('the helm program is not on PATH'),
          next: expect.stringContaining(`helm rollback alone 1 -n ${cluster.namespace}`)
        }
      ]
    })
    expect(await execute(server, assessment)).toMatchObject({ isError: true })
    expect(await statuses('alone')).toEqual(['superseded', 'deployed'])
  })
})
