import { expect, test } from 'vitest'
import { systemClock } from '../../../../../src/support/clock.ts'
import type { Interest, SharedLists } from '../../../../../src/targets/kubernetes/client/follow-list.ts'
import type { KubernetesContext } from '../../../../../src/targets/kubernetes/context.ts'
import type { Move } from '../../../../../src/targets/kubernetes/objects/move.ts'
import { type WorkloadObject, workloadSchema } from '../../../../../src/targets/kubernetes/objects/objects.ts'
import { templateHash } from '../../../../../src/targets/kubernetes/objects/template.ts'
import { followRollout } from '../../../../../src/targets/kubernetes/workloads/steps/follow-rollout.ts'
import { testRun } from '../../../../../testkit/target-context.ts'

/** The Deployment as the API server gives it, at one generation. */
const deployment = (version: string, generation: number, available: number): WorkloadObject =>
  workloadSchema.parse({
    metadata: { name: 'web', uid: 'u', generation },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: `web:${version}` }] }
      }
    },
    status: { observedGeneration: generation, replicas: 1, updatedReplicas: 1, availableReplicas: available }
  })

/** A list that others follow already: a new follower gets the known item at once, and the change a moment later. */
const listTelling = (known: WorkloadObject, news: WorkloadObject): SharedLists<WorkloadObject> => ({
  async follow(_request, interest: Interest<WorkloadObject>, signal) {
    interest.tell([known])
    setTimeout(() => interest.tell([news]), 50)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  }
})

const silent: SharedLists<never> = {
  follow: (_request, _interest, signal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

async function followed(known: WorkloadObject, news: WorkloadObject): Promise<void> {
  const wanted = deployment('1.1.0', 2, 0)
  const move = {
    kind: 'deployment',
    namespace: 'shop',
    name: 'web',
    uid: 'u',
    from: { revision: 'web-b', hash: templateHash(deployment('1.2.0', 1, 1).spec.template) },
    to: { revision: 'web-a', hash: templateHash(wanted.spec.template) },
    paused: false,
    follow: true
  } as Move
  const context = {
    api: { send: async () => wanted },
    lists: { workloads: listTelling(known, news), pods: silent },
    clock: systemClock,
    config: {}
  } as unknown as KubernetesContext
  await followRollout(context, move, testRun(), { among: 20 })
}

test('a shared list that has not received our change yet does not count as a change by someone else', async () => {
  await followed(deployment('1.2.0', 1, 1), deployment('1.1.0', 2, 1))
})

test('a change after ours counts as a change by someone else', async () => {
  await expect(followed(deployment('1.1.0', 2, 0), deployment('1.3.0', 3, 1))).rejects.toMatchObject({
    code: 'changed_meanwhile'
  })
})
