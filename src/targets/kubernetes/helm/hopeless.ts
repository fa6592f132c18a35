import { TargetError } from '../../../support/errors.ts'
import type { KubernetesContext } from '../context.ts'
import { addressText } from '../objects/names.ts'
import { isHopeless, podFailureOf } from '../objects/pod-failure.ts'
import { currentPods } from '../workloads/health.ts'
import { readWorkloads, type Workload } from '../workloads/workload.ts'
import type { HelmContent } from './history.ts'
import { findObject } from './manifest.ts'
import { sameImages } from './matching.ts'

const lookEveryMs = 2000
/** How long a failure that hardly passes by itself may last before it is believed. */
const hopelessMs = 30_000

/**
 * Looks on until pods of what a revision consists of have failed for good; Helm would wait on until its time is up.
 * @throws TargetError `not_healthy` then, or the signal's reason.
 */
export async function untilHopeless(
  cluster: KubernetesContext,
  content: HelmContent,
  signal: AbortSignal
): Promise<never> {
  const { clock } = cluster
  let since: number | null = null
  for (;;) {
    await clock.sleep(lookEveryMs, signal)
    const workloads = await readWorkloads(cluster, signal).catch(() => [])
    const failing = workloads.filter((one) => isOf(one, content)).flatMap((one) => podsWithoutHope(one))
    const now = clock.now().getTime()
    since = failing.length > 0 ? (since ?? now) : null
    const [first] = failing
    if (first && since !== null && now - since > hopelessMs)
      throw new TargetError({
        what: `${addressText(first.address)} does not come up`,
        why: `its pods fail: ${first.failure}`,
        state: 'Helm was stopped, and its revision is recorded as failed; its objects are in place.',
        next: 'Look at its pods, or choose another version.',
        code: 'not_healthy'
      })
  }
}

/** Before Helm has changed a workload its pods are those of the version that is left. */
function isOf({ address, object }: Workload, { objects }: HelmContent): boolean {
  const wanted = findObject(objects, address)?.template
  return wanted !== undefined && sameImages(object.spec.template, wanted)
}

const podsWithoutHope = (workload: Workload) =>
  currentPods(workload)
    .filter(isHopeless)
    .map((pod) => ({ address: workload.address, failure: podFailureOf(pod) ?? 'no reason given' }))
