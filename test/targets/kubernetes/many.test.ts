import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import kubernetes from '../../../src/targets/kubernetes/index.ts'
import { type Cluster, createCluster, workload } from '../../../testkit/kubernetes/cluster.ts'
import { targetContext, testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const names = Array.from({ length: 8 }, (_, index) => `web-${index}`)

describeOn('kubernetes', 'many Deployments of one namespace', (backend) => {
  let cluster: Cluster
  const sent: string[] = []
  const count = (message: unknown): void => {
    sent.push((message as { request: ClientRequest }).request.path)
  }

  beforeAll(async () => {
    cluster = await createCluster(backend.kubeconfig ?? '')
    for (const version of ['1.1.0', '1.2.0']) {
      const image = await cluster.image(version)
      const items = names.map((name) => workload({ name, image, replicas: 1, labels: { team: 'shop' } }))
      await cluster.apply({ apiVersion: 'v1', kind: 'List', items })
      for (const name of names) await cluster.kubectl('rollout', 'status', `deployment/${name}`, '--timeout=120s')
    }
    subscribe('http.client.request.start', count)
  })
  afterAll(async () => {
    unsubscribe('http.client.request.start', count)
    await cluster.remove()
  })

  it('go back together, watched once for all, with few requests for each', async () => {
    const env = { KUBECONFIG: cluster.kubeconfig }
    const config = { namespace: cluster.namespace, selector: 'team=shop' }
    const target = await kubernetes.open(targetContext({ name: 'kubernetes', projectDir: '/', env, config }))
    const run = testRun()
    const { observation, state } = await target.observe(run.signal)
    const release = observation.releases.find(({ version }) => version === '1.1.0')
    if (!release) throw new Error('the good version is not offered')
    const { steps, blockers } = await target.plan(observation, state, release, run.signal)
    expect(blockers).toEqual([])
    const planned = sent.length
    for (const step of steps) await target.apply(step, run)
    const perWorkload = (sent.length - planned) / names.length
    // One that is connected anew is still the same watch.
    const watches = sent
      .filter((path) => path.includes('watch=true'))
      .map((path) => path.replace(/&resourceVersion=\d+/, ''))
    expect([...new Set(watches)]).toHaveLength(2)
    expect(perWorkload).toBeLessThan(8)
    expect(planned).toBeLessThan(60)

    const format = '{range .items[*]}{.spec.template.spec.containers[0].image} {.status.availableReplicas}{"\\n"}{end}'
    const deployments = (await cluster.kubectl('get', 'deployments', '-o', `jsonpath=${format}`)).split('\n')
    expect(deployments).toEqual(names.map(() => expect.stringMatching(/:1\.1\.0 1$/)))
    const { checks } = await target.check(release, run)
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([])
    await target.close?.()
  })
})
