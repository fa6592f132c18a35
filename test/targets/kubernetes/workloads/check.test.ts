import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, vi } from 'vitest'
import type { CheckReport } from '../../../../src/model/check.ts'
import type { Diagnosis } from '../../../../src/model/diagnosis.ts'
import { createMask } from '../../../../src/support/mask.ts'
import type { CheckOptions } from '../../../../src/targets/target.ts'
import { docker } from '../../../../testkit/docker/images.ts'
import { type Shape, until, workload } from '../../../../testkit/kubernetes/cluster.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { inTime, useCluster } from '../use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'checks and diagnosis on a cluster', (backend) => {
  const { cluster, image, target: open, revisions } = useCluster(backend)
  const [good, unhealthy] = [image('1.1.0'), image('1.3.0', 'unhealthy')]

  const status = ({ checks }: CheckReport, id: string) => checks.find((check) => check.id.startsWith(id))

  /** The running container of a Deployment's only pod, on the node's own engine. */
  const containerOf = async (name: string): Promise<string> => {
    const pod = await cluster.kubectl('get', 'pods', '-l', `app=${name}`, '-o', 'jsonpath={.items[0].metadata.name}')
    const labels = { 'pod.name': pod, 'pod.namespace': cluster.namespace, 'container.name': 'web' }
    const filters = Object.entries(labels).flatMap(([label, is]) => ['--filter', `label=io.kubernetes.${label}=${is}`])
    return docker('ps', '-q', ...filters)
  }

  it.concurrent('a healthy service passes; a bad probe, a restart and an old pod fail', async () => {
    let answer = 500
    const site = createServer((_, response) => response.writeHead(answer).end())
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${(site.address() as AddressInfo).port}/health`
    await cluster.rolledOut(workload({ name: 'served', image: good, replicas: 1 }))
    await cluster.kubectl('expose', 'deployment/served', '--port=80', '--target-port=8080')
    const target = await open({ workloads: ['deployment/served'], probe: { http: address } })
    const { current } = (await target.observe(inTime())).observation
    if (!current) throw new Error('nothing serves')
    const looked = (more: Partial<CheckOptions> = {}) => target.check(current, { signal: inTime(), ...more })

    expect(status(await looked(), 'probe')).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/answers 500/)
    })
    answer = 200
    const first = await until('all to be well', async () => {
      const report = await looked()
      return report.checks.every((check) => check.status === 'pass') ? report : null
    })
    expect(status(first, 'service')?.detail).toBe('1 ready endpoints')
    site.close()
    expect(status(await looked(), 'probe')).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/not answer/)
    })

    await docker('kill', await containerOf('served'))
    const restarted = await until('the restart to be seen', async () => {
      const seen = status(await looked({ baseline: first.observed }), 'restarts')
      return seen?.status === 'fail' ? seen : null
    })
    expect(restarted.detail).toMatch(/restarted during the soak: served-/)

    await cluster.rolledOut(workload({ name: 'served', image: good, replicas: 1, spec: { paused: true } }))
    await cluster.kubectl('set', 'env', 'deployment/served', 'NEW=1')
    const now = await until(
      'the controller to see it',
      async () => (await target.observe(inTime())).observation.current
    )
    const report = await target.check(now, { signal: inTime() })
    expect(status(report, 'rollout')).toMatchObject({ status: 'fail' })
  })

  it.concurrent('a service whose only pod is no longer ready', async () => {
    await cluster.rolledOut(workload({ name: 'fading', image: good, replicas: 1 }))
    await cluster.kubectl('expose', 'deployment/fading', '--port=80', '--target-port=8080')
    const target = await open({ workloads: ['deployment/fading'] })
    const { current } = (await target.observe(inTime())).observation
    if (!current) throw new Error('nothing serves')
    await docker('exec', await containerOf('fading'), 'rm', '/tmp/www/health')
    const report = await until('it to fade', async () => {
      const seen = await target.check(current, { signal: inTime() })
      return status(seen, 'service')?.status === 'fail' && status(seen, 'rollout')?.status === 'fail' ? seen : null
    })
    expect(status(report, 'service')?.detail).toBe('0 ready endpoints')
    expect(status(report, 'rollout')).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/0 of 1 available/)
    })
  })

  it.concurrent('the reasons why workloads fail: logs, exit codes, probes, what changed, and no secret', async () => {
    // Names of this try alone: a second one must not find what the first has made.
    const suite = randomBytes(3).toString('hex')
    const crashing = `crashing-${suite}`
    const labels = { suite }
    const says = (code: number) => [
      'sh',
      '-c',
      `echo "password is $DB_PASSWORD, and last words of $HOSTNAME" >&2; exit ${code}`
    ]
    const env = [{ name: 'DB_PASSWORD', value: 'h0p-sesame-17' }]
    const shapes: Shape[] = [
      { name: crashing, image: good, container: { command: says(3), env } },
      { name: `unready-${suite}`, image: unhealthy },
      { name: `secretless-${suite}`, image: good, container: { envFrom: [{ secretRef: { name: 'nowhere' } }] } },
      {
        name: `starting-${suite}`,
        image: good,
        pod: {
          initContainers: [{ name: 'migrate', image: good, imagePullPolicy: 'IfNotPresent', command: says(7), env }]
        }
      },
      {
        name: `seeming-${suite}`,
        image: good,
        container: { readinessProbe: null, command: ['sh', '-c', 'echo seemed well; sleep 3; exit 4'] }
      }
    ]
    await cluster.apply(workload({ name: crashing, image: good, replicas: 0, labels }))
    await revisions(crashing, 1)
    for (const shape of shapes) await cluster.apply(workload({ ...shape, replicas: 1, labels }))

    // An API server that does not reach its kubelets has no logs to give, to kubectl neither.
    const { items } = await cluster.get('nodes')
    const health = `/api/v1/nodes/${items[0].metadata.name}/proxy/healthz`
    const readable = await until('the kubelet', () => cluster.kubectl('get', '--raw', health), 20_000).then(
      () => true,
      () => false
    )
    const mask = createMask()
    const target = await open({ selector: `suite=${suite}` }, { mask })
    const signs = [/exit code 3/, /exit code 7/, /exit code 4/, /[Pp]robe failed/, /secret .*nowhere.* not found/]
    const logs = [/last words of crashing/, /last words of starting/, /seemed well/]
    const wanted = [...signs, ...(readable ? logs : [/could not be read/])]
    // A sign may be hidden while a container starts or a kubelet is busy: each must be told at some reading.
    const readings: Diagnosis[] = []
    await until('every failure to be told', async () => {
      readings.push(mask.data(await target.diagnose(inTime())))
      const text = JSON.stringify(readings)
      const untold = wanted.filter((sign) => !sign.test(text))
      if (untold.length > 0) throw new Error(`never told: ${untold.join(', ')}`)
      return true
    })
    const told = readings.flatMap(({ evidence }) => evidence)
    const change = told.find(({ title }) => title.includes(`revision 2 of deployment/${crashing}`))
    expect(change?.text).toMatch(/DB_PASSWORD.value changed \(values are not shown\)/)
    expect(JSON.stringify(readings)).not.toContain('h0p-sesame-17')
    if (!readable) return
    expect(told.map(({ title }) => title)).toContainEqual(expect.stringMatching(/starting-.*container migrate/))
    expect(told.find(({ text }) => text.includes('last words of crashing'))?.text).toContain('password is ***')
    // The log can be read at any moment, between two crashes or while one waits.
    for (let count = 0; count < 5; count++) {
      await until('its log', async () => {
        const { evidence } = await target.diagnose(inTime())
        return evidence.some(({ text }) => /last words of crashing/.test(text))
      })
    }
  })
})
