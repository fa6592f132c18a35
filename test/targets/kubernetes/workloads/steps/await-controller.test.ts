import { expect, test } from 'vitest'
import { systemClock } from '../../../../../src/support/clock.ts'
import type { Request } from '../../../../../src/targets/kubernetes/client/api.ts'
import type { KubernetesContext } from '../../../../../src/targets/kubernetes/context.ts'
import type { Move } from '../../../../../src/targets/kubernetes/objects/move.ts'
import { steps } from '../../../../../src/targets/kubernetes/steps.ts'
import { testRun } from '../../../../../testkit/target-context.ts'

const move = {
  kind: 'statefulset',
  namespace: 'shop',
  name: 'db',
  uid: 'u',
  from: { revision: 'db-b', hash: 'b' },
  to: { revision: 'db-a', hash: 'a' },
  paused: false,
  follow: true
} as Move

const pod = {
  metadata: { name: 'db-0', uid: 'p', ownerReferences: [{ uid: 'u' }], labels: { 'controller-revision-hash': 'db-b' } },
  status: { phase: 'Running' }
}

/** A cluster whose controller is slow; the first deletion ends the test. */
function slowController(noticedAfterReads: number): { context: KubernetesContext; readsBeforeDeletion: () => number } {
  let reads = 0
  const deleted = new Error('a pod was deleted')
  const api = {
    server: 'https://cluster.example',
    find: async () => pod,
    list: async () => ({ items: [pod] }),
    send: async ({ method, path }: Request) => {
      if (method === 'DELETE') throw deleted
      expect(path).toMatch(/statefulsets\/db$/)
      reads++
      return {
        metadata: { name: 'db', uid: 'u', generation: 2 },
        spec: { replicas: 1, selector: { matchLabels: { app: 'db' } } },
        status: { observedGeneration: reads > noticedAfterReads ? 2 : 1 }
      }
    }
  }
  const context = { api, config: {}, clock: systemClock } as unknown as KubernetesContext
  return { context, readsBeforeDeletion: () => reads }
}

const step = (kind: string, pods: unknown) => ({
  id: 'pods',
  kind,
  phase: 'switch' as const,
  title: '',
  undo: null,
  params: { server: 'https://cluster.example', move, pods } as never
})

test('a stuck pod is deleted only after the controller has seen the new template', async () => {
  const { context, readsBeforeDeletion } = slowController(3)
  await expect(steps.apply(context, step('delete_pods', ['db-0']), testRun())).rejects.toThrow('a pod was deleted')
  expect(readsBeforeDeletion()).toBeGreaterThanOrEqual(4)
})

test('a pod of an OnDelete workload is deleted only after the controller has seen the new template', async () => {
  const { context, readsBeforeDeletion } = slowController(3)
  const pods = [{ name: 'db-0', place: 'db-0' }]
  await expect(steps.apply(context, step('replace_pods', pods), testRun())).rejects.toThrow('a pod was deleted')
  expect(readsBeforeDeletion()).toBeGreaterThanOrEqual(4)
})
