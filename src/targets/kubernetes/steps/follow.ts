import { type RollbackError, TargetError } from '../../../support/errors.ts'
import { duration } from '../../../support/text.ts'
import type { Run } from '../../target.ts'
import { isMadeOf } from '../argo/state.ts'
import { rolloutOf } from '../health.ts'
import { addressText, pathOf, shortText } from '../names.ts'
import type { Pod, WorkloadObject } from '../objects.ts'
import type { Move } from '../params.ts'
import { matches, selectorText } from '../selector.ts'
import { templateHash } from '../template.ts'
import { isHopeless, isOf, troubleOf } from '../trouble.ts'
import { readWorkload } from '../workload.ts'
import type { Workshop } from '../workshop.ts'
import { changed } from './put-back.ts'

export const defaultDeadlineMs = 600_000
/** How long a failure that hardly passes by itself may last before it is believed. */
export const hopelessMs = 30_000
/** From so many workloads on it is less to hear of all of a namespace once than of each one alone. */
const sharedFrom = 5

/**
 * Watches a workload and its pods until every pod is of the wanted template and available. Where many of a namespace are followed
 * at the same time (`among` is how many), they share one watch of all its pods and one of all its workloads of that kind.
 * @throws TargetError `not_healthy` when that takes too long or its pods fail for good; `changed_meanwhile` when somebody else changes it.
 */
export async function followRollout(workshop: Workshop, move: Move, run: Run, among = 1): Promise<void> {
  const { lists, clock, config } = workshop
  const first = await readWorkload(workshop, move, run.signal)
  const began = clock.now().getTime()
  const deadlineMs =
    (config.deadline_seconds ?? 0) * 1000 || (first.spec.progressDeadlineSeconds ?? 0) * 1000 || defaultDeadlineMs
  const end = new AbortController()
  const signal = AbortSignal.any([run.signal, end.signal])
  let object: WorkloadObject | undefined = first
  let pods: Pod[] = []
  let said = ''
  let hopelessSince: number | null = null
  let outcome: 'complete' | RollbackError | null = null

  const verdict = (): 'complete' | RollbackError | null => {
    if (!object) return changed(move, 'it was deleted')
    if (templateHash(object.spec.template) !== move.to.hash && !isMadeOf(object, move.to.revision))
      return changed(move, 'somebody else has changed its pod template')
    const rollout = rolloutOf(object)
    if (rollout.complete) return 'complete'
    const mine = pods.filter((pod) => isOf(pod, move))
    const trouble = mine.flatMap((pod) => troubleOf(pod) ?? [])[0]
    const now = clock.now().getTime()
    hopelessSince = mine.some(isHopeless) ? (hopelessSince ?? now) : null
    const line = `${shortText(move)}: ${rollout.available} of ${rollout.wanted} pods available${rollout.old > 0 ? `, ${rollout.old} old` : ''}${trouble ? `; ${trouble}` : ''}`
    if (line !== said) run.progress(line)
    said = line
    if (now - began > deadlineMs) return notHealthy(move, `not complete after ${duration(deadlineMs)}`, trouble ?? line)
    if (hopelessSince !== null && now - hopelessSince > hopelessMs)
      return notHealthy(move, 'its pods fail', trouble ?? line)
    return null
  }
  const look = (): void => {
    outcome ??= verdict()
    if (outcome) end.abort()
  }

  const [collection = ''] = pathOf(move).split(/\/[^/]+$/)
  const { selector } = first.spec
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
          object = item
          look()
        }
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
    everySecond(workshop, signal, look)
  ]
  try {
    await Promise.all(watching)
  } finally {
    end.abort()
    await Promise.allSettled(watching)
  }
  run.signal.throwIfAborted()
  if (outcome !== 'complete') throw outcome ?? notHealthy(move, 'it could not be watched', said)
}

/** Time passes without events, too. */
async function everySecond({ clock }: Workshop, signal: AbortSignal, look: () => void): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(1000, signal).catch(() => undefined)
    look()
  }
}

export const notHealthy = (move: Move, what: string, detail: string): TargetError =>
  new TargetError({
    what: `${addressText(move)} does not come up`,
    why: `${what}: ${detail}`,
    state: `The template of ${move.to.revision} is in place.`,
    next: 'Look at its pods, or choose another version.',
    code: 'not_healthy'
  })
