import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { workload } from '../../../testkit/kubernetes/cluster.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { planned, useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const names = Array.from({ length: 8 }, (_, index) => `web-${index}`)

describeOn('kubernetes', 'many Deployments of one namespace', (backend) => {
  const { cluster, image: imageOf, target: open } = useCluster(backend)
  const images = [imageOf('1.1.0'), imageOf('1.2.0')]
  const sent: string[] = []
  const count = (message: unknown): void => {
    sent.push((message as { request: ClientRequest }).request.path)
  }

  beforeAll(async () => {
    for (const image of images) {
      const items = names.map((name) => workload({ name, image, replicas: 1, labels: { team: 'shop' } }))
      await cluster.apply({ apiVersion: 'v1', kind: 'List', items })
      for (const name of names) await cluster.kubectl('rollout', 'status', `deployment/${name}`, '--timeout=120s')
    }
    subscribe('http.client.request.start', count)
  })
  afterAll(() => unsubscribe('http.client.request.start', count))

  it('go back together, watched once for all, with few requests for each', async () => {
    const target = await open({ selector: 'team=shop' })
    const run = testRun()
    const { steps, blockers, release } = await planned(target, '1.1.0')
    expect(blockers).toEqual([])
    const before = sent.length
    for (const step of steps) await target.apply(step, run)
    const perWorkload = (sent.length - before) / names.length
    // One that is connected again is still the same watch.
    const watches = sent
      .filter((path) => path.includes('watch=true'))
      .map((path) => path.replace(/&resourceVersion=\d+/, ''))
    expect([...new Set(watches)]).toHaveLength(2)
    // A rollout that stands still is asked for its reasons, a few times more on a busy machine.
    expect(perWorkload).toBeLessThan(8)
    expect(before).toBeLessThan(50)

    const format = '{range .items[*]}{.spec.template.spec.containers[0].image} {.status.availableReplicas}{"\\n"}{end}'
    const deployments = (await cluster.kubectl('get', 'deployments', '-o', `jsonpath=${format}`)).split('\n')
    expect(deployments).toEqual(names.map(() => expect.stringMatching(/:1\.1\.0 1$/)))
    const { checks } = await target.check(release, run)
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([])
  })
})
