import { z } from 'zod'
import { TargetError } from '../../../../support/errors.ts'
import { duration } from '../../../../support/text.ts'
import type { Run } from '../../../target.ts'
import { orOn } from '../../client/failure.ts'
import { inParallel } from '../../client/parallel.ts'
import type { KubernetesContext } from '../../context.ts'
import { kubernetesStep, severalMoves } from '../../kubernetes-step.ts'
import type { Move } from '../../objects/move.ts'
import { addressText, shortText } from '../../objects/names.ts'
import { type Pod, podSchema } from '../../objects/objects.ts'
import { isUnready, podFailureOf, willNotRecover } from '../../objects/pods.ts'
import { rolloutOf } from '../health.ts'
import { readWorkload } from '../read.ts'
import { failureLimitMs, limitOf } from './follow-rollout.ts'
import { movesMismatch } from './move-mismatch.ts'
import { lacksRoom, unschedulable } from './obstacle.ts'
import { isLive, readRevision } from './put-template.ts'
import { rehearsalLabel, rehearsalName, rehearsalPod } from './rehearsal-pod.ts'

/**
 * Creates one pod of each candidate beside what serves, out of reach of Services and controllers, requires it to become ready, and
 * removes it. `asked`: a person wants the proof, so that a missing one ends the rollback.
 */
export const rehearse = kubernetesStep({
  kind: 'rehearse',
  phase: 'prepare',
  params: severalMoves.extend({ asked: z.boolean() }),
  describe({ kubectl }, { moves }, { to }) {
    const what = moves.map(shortText).join(', ')
    return {
      id: `rehearse:${moves.map(addressText).join(',')}`,
      title: `Rehearsing ${to.version}: one pod beside ${what}, without traffic, then removed`,
      undo: `Remove ${moves.map(rehearsalName).join(', ')}`,
      manualUndoCommands: moves.map((move) => `${kubectl} -n ${move.namespace} delete pod ${rehearsalName(move)}`)
    }
  },
  mismatch: (_cluster, { moves }, known) => movesMismatch(moves, known),
  async apply(cluster, { moves, asked }, run) {
    const details = await inParallel(moves, 12, async (move) => {
      const detail = await rehearseOne(cluster, move, asked, run)
      return moves.length === 1 ? detail : `${shortText(move)}: ${detail}`
    })
    return { detail: details.join('; ') }
  },
  async revert(cluster, { moves }, { signal }) {
    await inParallel(moves, 12, (move) => clear(cluster, move, signal))
    return { detail: 'removed' }
  }
})

async function rehearseOne(cluster: KubernetesContext, move: Move, asked: boolean, run: Run): Promise<string> {
  const object = await readWorkload(cluster, move, run.signal)
  if (isLive(object, move.to)) return 'skipped: the template is in place already'
  if (!asked && rolloutOf(object).available === 0) return 'skipped: nothing serves that could be lost'
  const revision = await readRevision(cluster, move, move.to, run.signal)
  await clear(cluster, move, run.signal)
  const limitMs = limitOf(cluster, object)
  const body = await rehearsalPod(cluster, move, { object, revision, limitMs }, run.signal)
  const path = `/api/v1/namespaces/${move.namespace}/pods`
  const request = { doing: `Creating pod ${rehearsalName(move)}`, method: 'POST', path, body } as const
  try {
    await cluster.api.send({ ...request, signal: run.signal }, podSchema)
    const probed = revision.template.spec.containers.some(({ readinessProbe }) => readinessProbe)
    const stayMs = Math.max((object.spec.minReadySeconds ?? 0) * 1000, probed ? 0 : settleMs)
    return await proof(cluster, move, { stayMs, limitMs }, run)
  } catch (error) {
    if (!asked && error instanceof TargetError && lacksRoom.test(error.why))
      return `not proven, no room beside: ${error.why}`
    throw error
  } finally {
    await clear(cluster, move, AbortSignal.timeout(60_000), false)
  }
}

const everyMs = 500
/** A pod without a readiness probe is ready as soon as it runs; most that fail then do so within this time. */
const settleMs = 5000
const schedulingMs = 10_000

/** Waits until the pod is ready and stays so. @throws TargetError `not_healthy` when it does not. */
async function proof(
  cluster: KubernetesContext,
  move: Move,
  { stayMs, limitMs }: { stayMs: number; limitMs: number },
  { signal, progress }: Run
): Promise<string> {
  const { clock } = cluster
  const began = clock.now().getTime()
  let readySince: number | null = null
  let failingSince: number | null = null
  for (let line = ''; ; await clock.sleep(everyMs, signal)) {
    const pod = await find(cluster, move, signal)
    const now = clock.now().getTime()
    if (!pod) throw failed(move, 'its pod was removed by someone else')
    readySince = isUnready(pod) ? null : (readySince ?? now)
    if (readySince !== null && now - readySince >= stayMs)
      return `ready after ${duration(readySince - began)}, then removed`
    const failure = podFailureOf(pod)
    if (failure && failure !== line) progress(failure)
    line = failure ?? line
    failingSince = willNotRecover(pod) ? (failingSince ?? now) : null
    const isOver = now - began > limitMs || (failingSince !== null && now - failingSince > failureLimitMs)
    if (isOver || (unschedulable(pod) && now - began > schedulingMs))
      throw failed(move, failure ?? `not ready after ${duration(now - began)}`)
  }
}

const failed = (move: Move, why: string): TargetError =>
  new TargetError({
    what: `The rehearsal of ${addressText(move)} failed`,
    why,
    state: 'Nothing that serves was changed.',
    next: 'Choose another version, or go back without a rehearsal: pass rehearse: false.',
    code: 'not_healthy'
  })

const pathOf = (move: Move): string => `/api/v1/namespaces/${move.namespace}/pods/${rehearsalName(move)}`

const find = ({ api }: KubernetesContext, move: Move, signal: AbortSignal): Promise<Pod | null> =>
  api.find({ doing: `Reading pod ${rehearsalName(move)}`, path: pathOf(move), signal }, podSchema)

const goneWithinMs = 90_000

/** Deletes the pod, if there is one, and waits until it is gone unless nothing needs its name. */
async function clear(cluster: KubernetesContext, move: Move, signal: AbortSignal, wait = true): Promise<void> {
  const { api, clock } = cluster
  const end = clock.now().getTime() + goneWithinMs
  for (let pod = await find(cluster, move, signal); pod; pod = await find(cluster, move, signal)) {
    const { uid, labels, deletionTimestamp } = pod.metadata
    if (labels?.[rehearsalLabel] !== move.uid)
      throw new TargetError({
        what: 'The rehearsal cannot start',
        why: `a pod named ${rehearsalName(move)} exists, and this program did not create it`,
        next: `Remove ${rehearsalName(move)}, or pass rehearse: false.`,
        code: 'name_taken'
      })
    const request = {
      doing: `Deleting pod ${rehearsalName(move)}`,
      method: 'DELETE',
      path: pathOf(move),
      signal
    } as const
    if (!deletionTimestamp)
      await api.send({ ...request, body: { preconditions: { uid } } }, z.unknown()).catch(orOn(null, 404, 409))
    if (!wait || clock.now().getTime() > end) return
    await clock.sleep(everyMs, signal)
  }
}
