import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../../src/model/json.ts'
import { ConfigError } from '../../../../../src/support/errors.ts'
import { unreachable } from '../../../../../src/targets/kubernetes/client/failure.ts'
import type { Interest, SharedLists } from '../../../../../src/targets/kubernetes/client/follow-list.ts'
import type { KubernetesContext } from '../../../../../src/targets/kubernetes/context.ts'
import type { Move } from '../../../../../src/targets/kubernetes/objects/move.ts'
import {
  type Pod,
  podSchema,
  type WorkloadObject,
  workloadSchema
} from '../../../../../src/targets/kubernetes/objects/objects.ts'
import { templateHash } from '../../../../../src/targets/kubernetes/objects/template.ts'
import { followRollout } from '../../../../../src/targets/kubernetes/workloads/steps/follow-rollout.ts'
import { testRun } from '../../../../../testkit/target-context.ts'
import { deployment, deploymentPath, fakeCluster, pod, podPath, statefulSetPath } from '../../fake-cluster.ts'
import { virtualClock } from '../../virtual-clock.ts'

/** A list that a test controls. */
function toldList<T extends { metadata: { name: string } }>() {
  let interest: Interest<T> | null = null
  const lists: SharedLists<T> = {
    follow(_request, joined, signal) {
      interest = joined
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    }
  }
  return { lists, tell: (items: T[]) => interest?.tell(items), touch: (is: boolean) => interest?.inTouch?.(is) }
}

const available = (count: number, of = 3): JsonObject =>
  deployment('web', { replicas: of, status: { updatedReplicas: count, availableReplicas: count } })

/** A rollout of three pods with a deadline of ten seconds, in virtual time. */
function scene({ object = available(0), path = deploymentPath('web'), kind = 'deployment', revision = 'web-1' } = {}) {
  const cluster = fakeCluster({ deadline_seconds: 10 })
  const clock = virtualClock()
  const workloads = toldList<WorkloadObject>()
  const pods = toldList<Pod>()
  const { template } = workloadSchema.parse(object).spec
  const move = {
    kind,
    namespace: 'shop',
    name: 'web',
    uid: 'web',
    from: { revision: 'web-2', hash: 'other' },
    to: { revision, hash: templateHash(template) },
    paused: false,
    follow: true
  } as Move
  cluster.objects.set(path, object)
  const lists = { workloads: workloads.lists, pods: pods.lists }
  const context: KubernetesContext = { ...cluster.context, clock, lists }
  return {
    cluster,
    clock,
    touch: workloads.touch,
    /** What the watch sends; the server may have something newer. */
    watched: (now: JsonObject) => workloads.tell([workloadSchema.parse(now)]),
    /** What the server has, and the watch sends. */
    becomes(now: JsonObject) {
      cluster.objects.set(path, now)
      workloads.tell([workloadSchema.parse(now)])
    },
    podsBecome(...now: JsonObject[]) {
      for (const one of now) cluster.objects.set(podPath((one.metadata as { name: string }).name), one)
      pods.tell(now.map((one) => podSchema.parse(one)))
    },
    followed: () => followRollout(context, move, testRun())
  }
}

test('a large rollout may take longer than its deadline while it makes progress', async () => {
  const { clock, becomes, followed } = scene()
  for (const count of [1, 2, 3]) clock.at(count * 9000, () => becomes(available(count)))
  await followed()
})

test('a pod that comes and goes is no progress', async () => {
  const { clock, becomes, followed } = scene()
  for (let second = 2; second < 60; second += 4) {
    clock.at(second * 1000, () => becomes(available(1)))
    clock.at((second + 2) * 1000, () => becomes(available(0)))
  }
  await expect(followed()).rejects.toMatchObject({
    code: 'not_healthy',
    why: expect.stringMatching(/no progress for 10s/)
  })
})

test('a silent watch ends nothing before the server is read again', async () => {
  const { cluster, followed } = scene()
  cluster.objects.set(deploymentPath('web'), available(0))
  let reads = 0
  cluster.before(({ path }) => {
    if (path === deploymentPath('web') && ++reads === 2) cluster.objects.set(path, available(3))
  })
  await followed()
  expect(reads).toBe(2)
})

test.each([
  [
    'a login that expired',
    new ConfigError({ what: 'Logging in failed', why: 'expired', next: '', code: 'login_failed' }),
    'login_failed'
  ],
  ['a server that is away', unreachable('cluster.example', 'connection refused'), 'unreachable']
])('%s is not reported as the version’s failure', async (_, error, code) => {
  const { cluster, clock, followed } = scene()
  clock.at(5000, () =>
    cluster.before(() => {
      throw error
    })
  )
  await expect(followed()).rejects.toMatchObject({ code })
})

test('time without a connection to the cluster, or in which the machine slept, does not count', async () => {
  const { clock, touch, becomes, followed } = scene()
  clock.at(5000, () => touch(false))
  clock.at(14_000, () => touch(true))
  clock.at(17_000, () => clock.jump(3_600_000))
  clock.at(3_620_000, () => becomes(available(3)))
  await followed()
})

test('a cluster that does not answer for longer than the deadline ends it as unreachable', async () => {
  const { cluster, clock, touch, followed } = scene()
  clock.at(2000, () => {
    touch(false)
    cluster.before(() => {
      throw unreachable('cluster.example', 'connection refused')
    })
  })
  await expect(followed()).rejects.toMatchObject({ code: 'unreachable' })
  expect(clock.now().getTime() - Date.parse('2026-01-01T00:00:00Z')).toBeGreaterThan(12_000)
})

const unpullable: JsonObject = {
  phase: 'Pending',
  conditions: [],
  containerStatuses: [{ name: 'web', state: { waiting: { reason: 'ErrImagePull', message: 'no route to host' } } }]
}

test('one pod that cannot be pulled does not end a rollout whose other pods serve; all of them do', async () => {
  const one = scene()
  const waits = (slow: ReturnType<typeof scene>, first: JsonObject) => {
    slow.podsBecome(pod('web', 1, 'a', first), pod('web', 1, 'b', unpullable))
    for (let second = 8; second < 60; second += 8)
      slow.clock.at(second * 1000, () => slow.becomes(available(second / 8, 8)))
  }
  one.clock.at(1000, () => waits(one, {}))
  one.clock.at(64_000, () => one.becomes(available(8, 8)))
  await one.followed()

  const all = scene({ object: available(0) })
  all.cluster.context.config.deadline_seconds = 600
  all.clock.at(1000, () => all.podsBecome(pod('web', 1, 'a', unpullable), pod('web', 1, 'b', unpullable)))
  await expect(all.followed()).rejects.toMatchObject({
    code: 'not_healthy',
    why: expect.stringMatching(/its pods fail: .*ErrImagePull/)
  })
})

test('a pod of the former version that got stuck since the plan was made is named, with the command that helps', async () => {
  const status = { updateRevision: 'web-1', updatedReplicas: 0, readyReplicas: 0 }
  const { cluster, clock, podsBecome, followed } = scene({
    object: deployment('web', { replicas: 3, status }),
    path: statefulSetPath('web'),
    kind: 'statefulset'
  })
  cluster.context.config.deadline_seconds = 600
  const stuck = { ...pod('web', 2, 'a', unpullable) }
  clock.at(1000, () => podsBecome(stuck))
  await expect(followed()).rejects.toMatchObject({
    code: 'held_up',
    next: expect.stringMatching(/kubectl -n shop delete pod web-2-a/)
  })
})
