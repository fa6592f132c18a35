import { type RollbackError, TargetError } from '../../../../support/errors.ts'
import { duration } from '../../../../support/text.ts'
import type { Run } from '../../../target.ts'
import { isMadeOf } from '../../argo/state.ts'
import type { KubernetesContext } from '../../context.ts'
import { addressText, pathOf, shortText } from '../../objects/names.ts'
import { type Pod, podSchema, type WorkloadObject, workloadSchema } from '../../objects/objects.ts'
import { isOrdered } from '../../objects/ordered.ts'
import { hasCrashed, isFinished, isHopeless, isOf, isUnready, podFailureOf } from '../../objects/pods.ts'
import { matches, selectorText } from '../../objects/selector.ts'
import { templateHash } from '../../objects/template.ts'
import type { Move } from '../../step-params.ts'
import { rolloutOf } from '../health.ts'
import { readWorkload } from '../read.ts'
import { paceOf } from './pace.ts'
import { changed } from './put-template.ts'

export const defaultDeadlineMs = 600_000
/** How long a failure that hardly passes by itself may last before it is believed. */
export const hopelessMs = 30_000
/** From so many workloads on it is less to hear of all of a namespace once than of each one alone. */
const sharedFrom = 5

type Verdict = 'complete' | RollbackError | null

/**
 * Watches a workload and its pods until every pod is of the wanted template and available. Where many of a namespace are followed
 * at the same time (`among` is how many), they share one watch of all its pods and one of all its workloads of that kind.
 * @throws TargetError `not_healthy` when it does not get on for too long or its pods fail for good; `unreachable` when it cannot be
 * seen for as long; `held_up` when a former pod keeps it from going on; `changed_meanwhile` when somebody else changes it.
 */
export async function followRollout(cluster: KubernetesContext, move: Move, run: Run, among = 1): Promise<void> {
  const { api, lists, clock, config } = cluster
  const first = await readWorkload(cluster, move, run.signal)
  const { selector, progressDeadlineSeconds } = first.spec
  const deadlineMs = (config.deadline_seconds ?? 0) * 1000 || (progressDeadlineSeconds ?? 0) * 1000 || defaultDeadlineMs
  const end = new AbortController()
  const signal = AbortSignal.any([run.signal, end.signal])
  const pace = paceOf(clock)
  let object: WorkloadObject | null = first
  let pods: Pod[] = []
  let said = ''
  let hopelessSince: number | null = null
  let outcome: Verdict = null
  let confirming: Promise<void> | null = null

  /** What is certain at once. */
  const settled = (): Verdict => {
    if (!object) return changed(move, 'it was deleted')
    if (templateHash(object.spec.template) !== move.to.hash && !isMadeOf(object, move.to.revision))
      return changed(move, 'somebody else has changed its pod template')
    return rolloutOf(object).complete ? 'complete' : null
  }
  /** What only time tells. */
  const overdue = (): RollbackError | null => {
    if (!object) return null
    const rollout = rolloutOf(object)
    pace.heed(rollout)
    const living = pods.filter((pod) => !isFinished(pod))
    const mine = living.filter((pod) => isOf(pod, move))
    const failure = mine.flatMap((pod) => podFailureOf(pod) ?? [])[0]
    const line = `${shortText(move)}: ${rollout.available} of ${rollout.wanted} pods available${rollout.old > 0 ? `, ${rollout.old} old` : ''}${failure ? `; ${failure}` : ''}`
    if (line !== said) run.progress(line)
    said = line
    const blocking = isOrdered(object) ? living.find((pod) => !isOf(pod, move) && isBroken(pod)) : undefined
    // Where one pod of the version serves, what keeps another from it is not the version.
    const hopeless = mine.some(isHopeless) && !mine.some((pod) => !isUnready(pod) && !hasCrashed(pod))
    const now = clock.now().getTime()
    hopelessSince = hopeless || blocking ? (hopelessSince ?? now) : null
    const believed = hopelessSince !== null && Math.min(now - hopelessSince, pace.stalledMs()) > hopelessMs
    if (believed && hopeless) return notHealthy(move, 'its pods fail', failure ?? line)
    if (believed && blocking) return heldUp(cluster, move, blocking)
    if (pace.stalledMs() > deadlineMs)
      return notHealthy(move, `no progress for ${duration(deadlineMs)}`, failure ?? line)
    return pace.unseenMs() > deadlineMs ? unseen(move, deadlineMs) : null
  }
  const conclude = (verdict: Verdict): void => {
    outcome ??= verdict
    if (outcome) end.abort()
  }
  /** A watch may be silent because nothing happens, or because its connection is dead: what ends it is looked at afresh. */
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
  const look = (): void => {
    if (outcome || confirming) return
    conclude(settled())
    if (outcome || !overdue()) return
    confirming = confirm().finally(() => {
      confirming = null
    })
    confirming.catch(() => undefined)
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
          // A list that is shared with others may not have heard of this workload's own change yet.
          if (item && (item.metadata.generation ?? 0) < (first.metadata.generation ?? 0)) return
          object = item ?? null
          look()
        },
        inTouch: pace.see
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
          look()
        }
      },
      signal
    ),
    everySecond(cluster, signal, async (lateMs) => {
      pace.skip(lateMs)
      look()
      await confirming
    })
  ]
  try {
    await Promise.all(watching)
  } finally {
    end.abort()
    await Promise.allSettled(watching)
  }
  run.signal.throwIfAborted()
  if (outcome !== 'complete') throw outcome ?? unseen(move, deadlineMs)
}

const tickMs = 1000
/** A machine that is only busy is not that late. */
const sleptMs = 10_000

/** Time passes without events, too; `lateMs` is how long this process stood still. */
async function everySecond(
  { clock }: KubernetesContext,
  signal: AbortSignal,
  look: (lateMs: number) => Promise<void>
): Promise<void> {
  while (!signal.aborted) {
    const before = clock.now().getTime()
    await clock.sleep(tickMs, signal).catch(() => undefined)
    const late = clock.now().getTime() - before - tickMs
    await look(late > sleptMs ? late : 0).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}

const isBroken = (pod: Pod): boolean => isHopeless(pod) || (isUnready(pod) && hasCrashed(pod))

export const notHealthy = (move: Move, what: string, detail: string): TargetError =>
  new TargetError({
    what: `${addressText(move)} does not come up`,
    why: `${what}: ${detail}`,
    state: `The template of ${move.to.revision} is in place.`,
    next: 'Look at its pods, or choose another version.',
    code: 'not_healthy'
  })

const heldUp = ({ kubectl }: KubernetesContext, move: Move, pod: Pod): TargetError =>
  new TargetError({
    what: `${addressText(move)} does not go on`,
    why: `it waits for a pod of the former version: ${podFailureOf(pod) ?? pod.metadata.name}`,
    state: `The template of ${move.to.revision} is in place.`,
    next: `Delete that pod, its claims stay: "${kubectl} -n ${move.namespace} delete pod ${pod.metadata.name}".`,
    code: 'held_up'
  })

const unseen = (move: Move, ms: number): TargetError =>
  new TargetError({
    what: `Whether ${addressText(move)} comes up is not known`,
    why: `nothing could be seen of it for ${duration(ms)}`,
    state: `The template of ${move.to.revision} was put in place.`,
    next: 'See that the cluster can be reached, then assess again.',
    code: 'unreachable',
    retryable: true
  })
