import type { Check, CheckReport } from '../../model/check.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Release } from '../../model/release.ts'
import { messageOf } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { Look } from '../target.ts'
import { isMadeOf } from './argo/state.ts'
import { checkServices } from './check-services.ts'
import { currentPods, oldPods, rolloutOf } from './health.ts'
import { checkHelm, imagesCheck } from './helm/check.ts'
import { helmDetailsSchema } from './helm/releases.ts'
import { addressText, shortText } from './names.ts'
import type { Pod } from './objects.ts'
import { checkProbe } from './probe.ts'
import { detailsSchema } from './releases.ts'
import { troubleOf } from './trouble.ts'
import { readWorkloads, type Workload } from './workload.ts'
import type { Workshop } from './workshop.ts'

/** Looks at every workload: the right template, complete, nothing restarted, Services with endpoints, the probe answered. */
export async function check(workshop: Workshop, release: Release, look: Look): Promise<CheckReport> {
  try {
    const workloads = await readWorkloads(workshop, look.signal)
    const details = detailsSchema.safeParse(release.details ?? {})
    const wanted = details.success ? details.data.revisions : {}
    const helm = helmDetailsSchema.safeParse(release.details ?? {}).data?.helm
    const [services, probe, record] = await Promise.all([
      checkServices(workshop, workloads, look.signal),
      checkProbe(workshop, look.signal),
      helm ? checkHelm(workshop, helm, look.signal) : []
    ])
    const each = workloads.flatMap((workload) => [
      helm
        ? imagesCheck(workload, helm.images[addressText(workload.address)])
        : identityCheck(workload, wanted[addressText(workload.address)]),
      rolloutCheck(workload),
      restartCheck(workload, look.baseline)
    ])
    return { checks: [...record, ...each, ...services, ...probe], observed: { restarts: restartsOf(workloads) } }
  } catch (error) {
    look.signal.throwIfAborted()
    const detail = oneLine(messageOf(error), 300)
    return {
      checks: [{ id: 'cluster', title: 'The cluster can be asked', status: 'unknown', detail }],
      observed: look.baseline ?? {}
    }
  }
}

function identityCheck(
  { address, object, current, hash }: Workload,
  wanted: { name: string; hash: string } | undefined
): Check {
  const id = `identity:${addressText(address)}`
  const title = `${shortText(address)} has the planned template`
  const detail = current ? `${current.image} (${current.name})` : `template ${hash}`
  if (!wanted) return { id, title, status: 'unknown', detail: `${detail}; which one was planned is not known` }
  return { id, title, status: hash === wanted.hash || isMadeOf(object, wanted.name) ? 'pass' : 'fail', detail }
}

function rolloutCheck(workload: Workload): Check {
  const { wanted, updated, available, seen, complete, ...counted } = rolloutOf(workload.object)
  const old = Math.max(counted.old, oldPods(workload).length)
  const id = `rollout:${addressText(workload.address)}`
  const title = `Every pod of ${shortText(workload.address)} is of that template and available`
  const trouble = currentPods(workload).flatMap((pod) => troubleOf(pod) ?? [])[0]
  const detail = `${available} of ${wanted} available, ${updated} updated, ${old} old${seen ? '' : ', not seen by its controller yet'}${trouble ? `; ${trouble}` : ''}`
  if (wanted === 0) return { id, title, status: 'unknown', detail: 'it is scaled to 0, so nothing serves' }
  return { id, title, status: complete && old === 0 && !trouble ? 'pass' : 'fail', detail }
}

function restartCheck(workload: Workload, baseline: JsonObject | undefined): Check {
  const id = `restarts:${addressText(workload.address)}`
  const title = `No container of ${shortText(workload.address)} was restarted`
  if (workload.pods === null)
    return { id, title, status: 'unknown', detail: 'its pods may not be read with these rights' }
  const before = (baseline?.restarts ?? {}) as Record<string, number>
  const now = restartsOf([workload])
  const restarted = Object.entries(now).filter(([pod, count]) => pod in before && count > (before[pod] ?? 0))
  if (restarted.length > 0)
    return {
      id,
      title,
      status: 'fail',
      detail: `restarted during the soak: ${restarted.map(([pod]) => pod).join(', ')}`
    }
  const total = Object.values(now).reduce((sum, count) => sum + count, 0)
  return { id, title, status: 'pass', detail: baseline ? 'none since the first look' : `${total} restarts so far` }
}

const restartsOf = (workloads: readonly Workload[]): Record<string, number> =>
  Object.fromEntries(workloads.flatMap(currentPods).map((pod) => [pod.metadata.name, restarts(pod)]))

const restarts = ({ status }: Pod): number =>
  (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0)
