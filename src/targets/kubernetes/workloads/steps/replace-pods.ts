import { z } from 'zod'
import { anySignal } from '../../../../support/limit.ts'
import { duration } from '../../../../support/text.ts'
import type { KubernetesContext } from '../../context.ts'
import { kubernetesStep, oneMove } from '../../kubernetes-step.ts'
import { type Move, nameSchema, reversed } from '../../objects/move.ts'
import { addressText, shortText } from '../../objects/names.ts'
import { isOwn, type Pod } from '../../objects/objects.ts'
import { isOf, isUnready, podFailureOf, slotOf, willNotRecover } from '../../objects/pods.ts'
import { isOnDelete } from '../../objects/workload.ts'
import { deletePod } from './delete-pods.ts'
import { defaultDeadlineMs, failureLimitMs, followRollout, notHealthy } from './follow-rollout.ts'
import { moveMismatch, workloadAt } from './move-mismatch.ts'
import { awaitController, podMismatch, podsOf, podsRequest } from './pods-of.ts'
import { putTemplate } from './put-template.ts'
import { deletePodsCommand } from './undo-command.ts'
import { requireWayBack } from './way-back.ts'

/** `place` is what a pod and its replacement share: a StatefulSet's pod its name, a DaemonSet's its node. */
const replaced = z.array(z.object({ name: nameSchema, place: nameSchema })).min(1)
export type ReplacedPods = z.infer<typeof replaced>

const settleMs = 20_000

/** Deletes the pods of an OnDelete workload one by one, each when the one before it was replaced and is ready; never claims. */
export const replacePods = kubernetesStep({
  kind: 'replace_pods',
  phase: 'switch',
  params: oneMove.extend({ pods: replaced }),
  describe(cluster, { move, pods }) {
    const names = pods.map(({ name }) => name)
    const to = `${cluster.kubectl} -n ${move.namespace} delete pod --ignore-not-found`
    return {
      id: `pods:${addressText(move)}`,
      title: `Deleting the old pods of ${shortText(move)} one by one: ${names.join(', ')} (claims and data stay)`,
      undo: 'Put the present template back and delete the replaced pods one by one',
      manualCommands: names.map((name) => `${to} ${name}`),
      manualUndoCommands: [deletePodsCommand(cluster, move, move.to.revision, 'all')]
    }
  },
  mismatch(_cluster, { move, pods }, known) {
    const workload = workloadAt(move, known)
    if (!workload || !isOnDelete(workload.object))
      return `${addressText(move)} replaces its pods without their deletion`
    const moved = (workload.pods ?? []).find((pod) => pods.some((one) => isElsewhere(pod, one, move)))
    if (moved) return `the pod ${moved.metadata.name} is elsewhere`
    return (
      moveMismatch(move, known) ??
      podMismatch(
        workload,
        pods.map(({ name }) => name)
      )
    )
  },
  async apply(cluster, { move, pods }, run) {
    const deadlineMs = (cluster.config.deadline_seconds ?? 0) * 1000 || defaultDeadlineMs
    await awaitController(cluster, move, run)
    let deleted = 0
    for (const [index, { name, place }] of (await brokenFirst(cluster, move, pods, run.signal)).entries()) {
      if (await deletePod(cluster, move, name, run.signal)) deleted++
      run.progress(`${shortText(move)}: ${index} of ${pods.length} pods replaced, waiting for ${place}`)
      const failure = await replacementFailure(cluster, move, place, deadlineMs, run.signal)
      if (failure) throw notHealthy(move, failure.what, failure.detail)
    }
    await followRollout(cluster, move, run)
    return { detail: deleted === 0 ? 'already replaced' : `${deleted} deleted and replaced` }
  },
  /** What was there may not have been healthy, so the step does not wait long for it. */
  async revert(cluster, { move, pods }, run) {
    await requireWayBack(cluster, move, run)
    await putTemplate(cluster, move, 'from', run)
    await awaitController(cluster, move, run)
    let deleted = 0
    for (const { place } of [...pods].reverse()) {
      const now = (await podsOf(cluster, move, run.signal)).find(
        (pod) => slotOf(pod, move) === place && isOf(pod, move)
      )
      if (!now || !(await deletePod(cluster, reversed(move), now.metadata.name, run.signal))) continue
      deleted++
      await replacementFailure(cluster, reversed(move), place, settleMs, run.signal)
    }
    return { detail: `${deleted} pods of the former template are back` }
  }
})

const isElsewhere = (pod: Pod, { name, place }: ReplacedPods[number], move: Move): boolean =>
  pod.metadata.name === name && slotOf(pod, move) !== place

/**
 * Those that do not serve first, from the lowest ordinal on, because an ordered StatefulSet creates no pod after one that is not
 * ready; then the others as planned. Which ones serve may change at any moment, so it is not part of the plan.
 */
async function brokenFirst(
  cluster: KubernetesContext,
  move: Move,
  pods: ReplacedPods,
  signal: AbortSignal
): Promise<ReplacedPods> {
  const serving = new Set(
    (await podsOf(cluster, move, signal)).filter((pod) => !isUnready(pod)).map(({ metadata }) => metadata.name)
  )
  const broken = pods.filter(({ name }) => !serving.has(name))
  return [...broken.reverse(), ...pods.filter(({ name }) => serving.has(name))]
}

/** Watches until a ready pod of the wanted revision is in a place; otherwise says why there is none. */
async function replacementFailure(
  cluster: KubernetesContext,
  move: Move,
  place: string,
  limitMs: number,
  outer: AbortSignal
): Promise<{ what: string; detail: string } | null> {
  const { lists, clock } = cluster
  const end = new AbortController()
  const late = AbortSignal.timeout(limitMs)
  const signal = anySignal(outer, end.signal, late)
  let detail = 'there is no pod yet'
  let failingSince: number | null = null
  let done = false
  const wants = (pod: Pod): boolean => isOwn(pod, move) && slotOf(pod, move) === place && isOf(pod, move)
  const tell = (mine: Pod[]): void => {
    detail = mine.flatMap((pod) => podFailureOf(pod) ?? [])[0] ?? (mine.length > 0 ? 'its pod is not ready' : detail)
    const now = clock.now().getTime()
    failingSince = mine.some(willNotRecover) ? (failingSince ?? now) : null
    done = mine.some((pod) => !isUnready(pod) && !pod.metadata.deletionTimestamp)
    if (done || (failingSince !== null && now - failingSince > failureLimitMs)) end.abort()
  }
  await lists.pods.follow(await podsRequest(cluster, move, outer), { wants, tell }, signal)
  outer.throwIfAborted()
  // The watch may have been cut off; silence of the watch is no failure of the pod.
  if (!done) tell((await podsOf(cluster, move, outer)).filter(wants))
  if (done) return null
  return { what: late.aborted ? `not ready after ${duration(limitMs)}` : 'its pods fail', detail }
}
