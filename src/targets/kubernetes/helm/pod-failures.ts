import { messageOf, RollbackError, TargetError } from '../../../support/errors.ts'
import type { KubernetesContext } from '../context.ts'
import { addressText } from '../objects/names.ts'
import { podFailureOf, willNotRecover } from '../objects/pods.ts'
import { currentPods, healthOf } from '../workloads/health.ts'
import { readWorkloads } from '../workloads/read.ts'
import { failureLimitMs } from '../workloads/steps/follow-rollout.ts'
import type { HelmContent } from './history.ts'
import { findObject, runs } from './manifest.ts'

const everyMs = 2000

/**
 * Watches the pods of a revision; Helm would wait for pods that fail for good until its time is up.
 * @throws TargetError `not_healthy` when they do, or the signal's reason.
 */
export async function throwWhenFailed(
  cluster: KubernetesContext,
  content: HelmContent,
  signal: AbortSignal
): Promise<never> {
  const { clock } = cluster
  let since: number | null = null
  for (;;) {
    await clock.sleep(everyMs, signal)
    const workloads = await readWorkloads(cluster, signal).catch(() => [])
    const failing = workloads.flatMap((workload) => {
      // Before Helm has changed a workload its pods are those of the version that is left.
      const [pod] = runs(workload, content) ? currentPods(workload).filter(willNotRecover) : []
      return pod ? [{ address: workload.address, failure: podFailureOf(pod) ?? 'no reason given' }] : []
    })
    const now = clock.now().getTime()
    since = failing.length > 0 ? (since ?? now) : null
    const [first] = failing
    if (first && since !== null && now - since > failureLimitMs)
      throw new TargetError({
        what: `${addressText(first.address)} does not come up`,
        why: `its pods fail: ${first.failure}`,
        state: 'Helm was stopped, and its revision is recorded as failed; its objects are in place.',
        next: 'Check its pods, or choose another version.',
        code: 'not_healthy'
      })
  }
}

const timedOut = /timed out waiting|deadline exceeded|backoff limit|progress deadline|not ready/i

/** Helm reports only that its wait timed out. Where its objects are in place, that speaks against the revision, and the reason of its pods is added. */
export async function explained(
  cluster: KubernetesContext,
  error: unknown,
  content: HelmContent,
  signal: AbortSignal
): Promise<unknown> {
  signal.throwIfAborted()
  if (!(error instanceof RollbackError) || !timedOut.test(error.why)) return error
  const live = (await readWorkloads(cluster, signal).catch(() => [])).filter(({ address }) =>
    findObject(content.objects, address)
  )
  if (live.length === 0 || !live.every((workload) => runs(workload, content))) return error
  return new TargetError({
    what: error.what,
    why: [error.why, ...live.slice(0, 3).map((one) => healthOf(one).message)].join('; '),
    state: 'Helm records its revision as failed; its objects are in place.',
    next: 'Check its pods, or choose another version.',
    code: 'not_healthy',
    cause: messageOf(error)
  })
}
