import type { Step } from '../../../../model/step.ts'
import { duration } from '../../../../support/text.ts'
import type { Run, StepResult } from '../../../target.ts'
import type { KubernetesContext } from '../../context.ts'
import { shortText } from '../../objects/names.ts'
import type { Pod } from '../../objects/objects.ts'
import { isHopeless, isOf, isUnready, placeOf, podFailureOf } from '../../objects/pods.ts'
import { type Move, paramsOf } from '../../step-params.ts'
import { deletePod } from './delete-pods.ts'
import { defaultDeadlineMs, followRollout, hopelessMs, notHealthy } from './follow-rollout.ts'
import { awaitController, isOwn, podsOf, podsRequest } from './pods-of.ts'
import { putTemplate } from './put-template.ts'

/** Deletes the pods of a workload that waits for that (OnDelete), each when the one before it was replaced and is ready; never claims. */
export async function applyReplacePods(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const { move, pods } = paramsOf('replace_pods', step, cluster)
  const deadlineMs = (cluster.config.deadline_seconds ?? 0) * 1000 || defaultDeadlineMs
  await awaitController(cluster, move, run)
  let deleted = 0
  for (const [index, { name, place }] of (await brokenFirst(cluster, move, pods, run.signal)).entries()) {
    if (await deletePod(cluster, move, name, run.signal)) deleted++
    run.progress(`${shortText(move)}: ${index} of ${pods.length} pods replaced, waiting for that of ${place}`)
    const failure = await replaced(cluster, move, place, deadlineMs, run.signal)
    if (failure) throw notHealthy(move, failure.what, failure.detail)
  }
  await followRollout(cluster, move, run)
  return { detail: deleted === 0 ? 'already replaced' : `${deleted} deleted and replaced` }
}

type Planned = { name: string; place: string }

/**
 * Those that do not serve first, from the lowest ordinal on, for an ordered StatefulSet makes no pod after one that is not ready;
 * then the others as planned. Which ones serve may change at any moment, so it is no part of the plan.
 */
async function brokenFirst(
  cluster: KubernetesContext,
  move: Move,
  pods: readonly Planned[],
  signal: AbortSignal
): Promise<Planned[]> {
  const serving = new Set(
    (await podsOf(cluster, move, signal)).filter((pod) => !isUnready(pod)).map(({ metadata }) => metadata.name)
  )
  const broken = pods.filter(({ name }) => !serving.has(name))
  return [...broken.reverse(), ...pods.filter(({ name }) => serving.has(name))]
}

const settleMs = 20_000

/** Puts the former template back, then deletes what was replaced; what was there may not have been healthy, so it is not waited for long. */
export async function revertReplacePods(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const { move, pods } = paramsOf('replace_pods', step, cluster)
  await putTemplate(cluster, move, 'forth', run)
  await awaitController(cluster, move, run)
  const former = { ...move, from: move.to, to: move.from }
  let deleted = 0
  for (const { place } of [...pods].reverse()) {
    const now = (await podsOf(cluster, move, run.signal)).find((pod) => placeOf(pod, move) === place && isOf(pod, move))
    if (!now || !(await deletePod(cluster, former, now.metadata.name, run.signal))) continue
    deleted++
    await replaced(cluster, former, place, settleMs, run.signal)
  }
  return { detail: `${deleted} pods of the former template are back` }
}

/** Watches until a ready pod of the wanted revision is at a place; else says why there is none. */
async function replaced(
  cluster: KubernetesContext,
  move: Move,
  place: string,
  limitMs: number,
  outer: AbortSignal
): Promise<{ what: string; detail: string } | null> {
  const { lists, clock } = cluster
  const end = new AbortController()
  const late = AbortSignal.timeout(limitMs)
  const signal = AbortSignal.any([outer, end.signal, late])
  let detail = 'there is no pod yet'
  let hopelessSince: number | null = null
  let done = false
  const wants = (pod: Pod): boolean => isOwn(pod, move) && placeOf(pod, move) === place && isOf(pod, move)
  const tell = (mine: Pod[]): void => {
    detail = mine.flatMap((pod) => podFailureOf(pod) ?? [])[0] ?? (mine.length > 0 ? 'its pod is not ready' : detail)
    const now = clock.now().getTime()
    hopelessSince = mine.some(isHopeless) ? (hopelessSince ?? now) : null
    done = mine.some((pod) => !isUnready(pod) && !pod.metadata.deletionTimestamp)
    if (done || (hopelessSince !== null && now - hopelessSince > hopelessMs)) end.abort()
  }
  await lists.pods.follow(await podsRequest(cluster, move, outer), { wants, tell }, signal)
  outer.throwIfAborted()
  // The watch may have been cut off; what it has not told is no failure of the pod.
  if (!done) tell((await podsOf(cluster, move, outer)).filter(wants))
  if (done) return null
  return { what: late.aborted ? `not ready after ${duration(limitMs)}` : 'its pods fail', detail }
}
