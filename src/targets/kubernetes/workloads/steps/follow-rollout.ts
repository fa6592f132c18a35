import { type RollbackError, TargetError } from '../../../../support/errors.ts'
import { anySignal } from '../../../../support/limit.ts'
import { duration } from '../../../../support/text.ts'
import type { Run } from '../../../target.ts'
import { isMadeOf } from '../../argo/state.ts'
import type { KubernetesContext } from '../../context.ts'
import type { Move } from '../../objects/move.ts'
import { addressText, pathOf, shortText } from '../../objects/names.ts'
import { type Pod, podSchema, type WorkloadObject, workloadSchema } from '../../objects/objects.ts'
import { hasCrashed, isFinished, isOf, isUnready, podFailureOf, willNotRecover } from '../../objects/pods.ts'
import { matches, selectorText } from '../../objects/selector.ts'
import { templateHash } from '../../objects/template.ts'
import { isOrdered } from '../../objects/workload.ts'
import { rolloutOf } from '../health.ts'
import { readWorkload } from '../read.ts'
import { type Obstacle, obstacleOf } from './obstacle.ts'
import { paceOf } from './pace.ts'
import { changedMeanwhile, templateChanged } from './put-template.ts'

export const defaultDeadlineMs = 600_000
/** How long a workload may go without progress. */
export const limitOf = ({ config }: KubernetesContext, { spec }: WorkloadObject): number =>
  (config.deadline_seconds ?? 0) * 1000 || (spec.progressDeadlineSeconds ?? 0) * 1000 || defaultDeadlineMs
/** How long a failure that hardly passes without a change may last before it counts. */
export const failureLimitMs = 30_000
/** From this many workloads on, one watch of a whole namespace is less work than one for each workload. */
const sharedFrom = 5

type Verdict = 'complete' | RollbackError | null

/**
 * Watches a workload and its pods until every pod is of the wanted template and available. Where many of a namespace are followed
 * at the same time (`among` is how many), they share one watch of all its pods and one of all its workloads of that kind. `seen` is
 * the workload as the server returned it just now.
 * @throws TargetError `not_healthy` when it makes no progress for too long or its pods fail for good; `unreachable` when it cannot be
 * observed for as long; `held_up` when a former pod blocks it, or no pod
 * can be created or scheduled; `changed_meanwhile` when someone else changes it.
 */
export async function followRollout(
  cluster: KubernetesContext,
  move: Move,
  run: Run,
  { among = 1, seen }: { among?: number; seen?: WorkloadObject } = {}
): Promise<void> {
  const { api, lists, clock } = cluster
  const first = seen ?? (await readWorkload(cluster, move, run.signal))
  const { selector } = first.spec
  const deadlineMs = limitOf(cluster, first)
  const end = new AbortController()
  const signal = anySignal(run.signal, end.signal)
  const pace = paceOf(clock)
  let object: WorkloadObject | null = first
  let pods: Pod[] = []
  let lastLine = ''
  let failingSince: number | null = null
  let outcome: Verdict = null
  let confirming: Promise<void> | null = null
  let looking: Promise<void> | null = null
  let obstacle: Obstacle | null = null
  let obstacleSince = 0

  /** What is certain immediately. */
  const settled = (): Verdict => {
    if (!object) return changedMeanwhile(move, 'it was deleted')
    if (templateHash(object.spec.template) !== move.to.hash && !isMadeOf(object, move.to.revision))
      return templateChanged(move)
    return rolloutOf(object).complete ? 'complete' : null
  }
  /** What only time shows. */
  const overdue = (): RollbackError | null => {
    if (!object) return null
    const rollout = rolloutOf(object)
    pace.update(rollout)
    const running = pods.filter((pod) => !isFinished(pod))
    const mine = running.filter((pod) => isOf(pod, move))
    const failure = mine.flatMap((pod) => podFailureOf(pod) ?? [])[0]
    const line = `${shortText(move)}: ${rollout.available} of ${rollout.wanted} pods available${rollout.old > 0 ? `, ${rollout.old} old` : ''}${failure ? `; ${failure}` : ''}`
    if (line !== lastLine) run.progress(line)
    lastLine = line
    const blocking = isOrdered(object) ? running.find((pod) => !isOf(pod, move) && isBroken(pod)) : undefined
    // Where one pod of the version serves, the version is not what stops another.
    const failing = mine.some(willNotRecover) && !mine.some((pod) => !isUnready(pod) && !hasCrashed(pod))
    const now = clock.now().getTime()
    failingSince = failing || blocking ? (failingSince ?? now) : null
    const believed = failingSince !== null && Math.min(now - failingSince, pace.stalledMs()) > failureLimitMs
    if (believed && failing) return notHealthy(move, 'its pods fail', failure ?? line)
    if (believed && blocking) return blockedByPod(cluster, move, blocking)
    if (obstacle && Math.min(now - obstacleSince, pace.stalledMs()) >= obstacle.graceMs)
      return withoutPods(move, obstacle)
    if (pace.stalledMs() > deadlineMs)
      return notHealthy(move, `no progress for ${duration(deadlineMs)}`, obstacle?.why ?? failure ?? line)
    return pace.unseenMs() > deadlineMs ? unobserved(move, deadlineMs) : null
  }
  const conclude = (verdict: Verdict): void => {
    outcome ??= verdict
    if (outcome) end.abort()
  }
  /** A watch may be silent because nothing happens, or because its connection is dead: what would end it is read again. */
  const confirm = async (): Promise<void> => {
    const path = `/api/v1/namespaces/${move.namespace}/pods`
    const query = { labelSelector: selectorText(selector) }
    const [fresh, itsPods] = await Promise.all([
      api.find({ doing: `Reading ${addressText(move)}`, path: pathOf(move), signal }, workloadSchema),
      api.list({ doing: `Reading the pods of ${addressText(move)}`, path, query, signal }, podSchema)
    ])
    object = fresh
    pods = itsPods.items
    conclude(settled() ?? overdue())
  }
  const update = (): void => {
    if (outcome || confirming) return
    conclude(settled())
    if (outcome || !overdue()) return
    confirming = confirm().finally(() => {
      confirming = null
    })
    confirming.catch(() => undefined)
  }

  /** What controllers and the scheduler say is read while nothing advances; that it could not be read ends nothing. */
  const lookForObstacle = (): void => {
    if (looking || !object || pace.stalledMs() < lookAfterMs) return
    looking = obstacleOf(cluster, { move, object, pods }, api.now() - pace.stalledMs(), signal)
      .then((found) => {
        if (found && !obstacle) obstacleSince = clock.now().getTime()
        obstacle = found
      })
      .catch(() => undefined)
      .finally(() => {
        looking = null
      })
  }

  const [collection = ''] = pathOf(move).split(/\/[^/]+$/)
  const shares = among >= sharedFrom
  const watching = [
    lists.workloads.follow(
      {
        doing: `Watching ${addressText(move)}`,
        path: collection,
        query: shares ? {} : { fieldSelector: `metadata.name=${move.name}` }
      },
      {
        wants: ({ metadata }) => metadata.name === move.name,
        tell([item]) {
          // A shared list may not have received this workload's own change yet.
          if (item && (item.metadata.generation ?? 0) < (first.metadata.generation ?? 0)) return
          object = item ?? null
          update()
        },
        inTouch: pace.setVisible
      },
      signal
    ),
    lists.pods.follow(
      {
        doing: `Watching the pods of ${addressText(move)}`,
        path: `/api/v1/namespaces/${move.namespace}/pods`,
        query: shares ? {} : { labelSelector: selectorText(selector) }
      },
      {
        wants: ({ metadata }) => matches(selector, metadata.labels ?? {}),
        tell(items) {
          pods = items
          update()
        }
      },
      signal
    ),
    everySecond(cluster, signal, async (lateMs) => {
      pace.skip(lateMs)
      lookForObstacle()
      update()
      await confirming
    })
  ]
  try {
    await Promise.all(watching)
  } finally {
    end.abort()
    await Promise.allSettled([...watching, looking])
  }
  run.signal.throwIfAborted()
  if (outcome !== 'complete') throw outcome ?? unobserved(move, deadlineMs)
}

const tickMs = 1000
const lookAfterMs = 2000
/** A busy machine is never this late. */
const sleptMs = 10_000

/** Time passes without events, too; `lateMs` is how long this process did not run. */
async function everySecond(
  { clock }: KubernetesContext,
  signal: AbortSignal,
  tick: (lateMs: number) => Promise<void>
): Promise<void> {
  while (!signal.aborted) {
    const before = clock.now().getTime()
    await clock.sleep(tickMs, signal).catch(() => undefined)
    const late = clock.now().getTime() - before - tickMs
    await tick(late > sleptMs ? late : 0).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}

const isBroken = (pod: Pod): boolean => willNotRecover(pod) || (isUnready(pod) && hasCrashed(pod))

export const notHealthy = (move: Move, what: string, detail: string): TargetError =>
  new TargetError({
    what: `${addressText(move)} does not come up`,
    why: `${what}: ${detail}`,
    state: `The template of ${move.to.revision} is in place.`,
    next: 'Check its pods, or choose another version.',
    code: 'not_healthy'
  })

const withoutPods = (move: Move, { why }: Obstacle): TargetError =>
  new TargetError({
    what: `${addressText(move)} does not get its pods`,
    why,
    state: `The template of ${move.to.revision} is in place.`,
    next: 'Correct what the reason names; the rollout then goes on by itself.',
    code: 'held_up'
  })

const blockedByPod = ({ kubectl }: KubernetesContext, move: Move, pod: Pod): TargetError =>
  new TargetError({
    what: `${addressText(move)} is stuck`,
    why: `it waits for a pod of the former version: ${podFailureOf(pod) ?? pod.metadata.name}`,
    state: `The template of ${move.to.revision} is in place.`,
    next: `Delete that pod; its claims stay: "${kubectl} -n ${move.namespace} delete pod ${pod.metadata.name}".`,
    code: 'held_up'
  })

const unobserved = (move: Move, ms: number): TargetError =>
  new TargetError({
    what: `Whether ${addressText(move)} becomes ready is unknown`,
    why: `the cluster did not answer for ${duration(ms)}`,
    state: `The template of ${move.to.revision} is in place.`,
    next: 'Check that this machine reaches the cluster, then assess again.',
    code: 'unreachable',
    retryable: true
  })
