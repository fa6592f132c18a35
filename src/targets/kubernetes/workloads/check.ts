import { z } from 'zod'
import { type ProbeResult, probe } from '../../../http/probe.ts'
import type { Check, CheckReport } from '../../../model/check.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { Release } from '../../../model/release.ts'
import { messageOf, RollbackError } from '../../../support/errors.ts'
import { oneLine } from '../../../support/text.ts'
import { untilGood } from '../../../support/until-good.ts'
import type { CheckOptions } from '../../target.ts'
import { isMadeOf } from '../argo/state.ts'
import type { KubernetesContext } from '../context.ts'
import { checkHelm, imagesCheck } from '../helm/check.ts'
import { helmDetailsSchema } from '../helm/releases.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Pod } from '../objects/objects.ts'
import { pinnedFrom } from '../objects/pins.ts'
import { containerFailureOf, containersOf, podFailureOf } from '../objects/pods.ts'
import type { Workload } from '../objects/workload.ts'
import { checkServices } from './check-services.ts'
import { currentPods, oldPods, rolloutOf, wantsNone } from './health.ts'
import { readWorkloads } from './read.ts'
import { detailsSchema } from './releases.ts'

/** Checks every workload: the planned template, a complete rollout, no restart, Services with endpoints, an answered probe. */
export async function check(cluster: KubernetesContext, release: Release, look: CheckOptions): Promise<CheckReport> {
  try {
    const workloads = await readWorkloads(cluster, look.signal)
    const details = detailsSchema.safeParse(release.details ?? {})
    const wanted = details.success ? details.data.revisions : {}
    const helm = helmDetailsSchema.safeParse(release.details ?? {}).data?.helm
    const [services, probe, record] = await Promise.all([
      checkServices(cluster, workloads, look.signal),
      checkProbe(cluster, look.signal),
      helm ? checkHelm(cluster, helm, look.signal) : []
    ])
    const each = workloads.flatMap((workload) => [
      helm
        ? imagesCheck(workload, helm.images[addressText(workload.address)])
        : identityCheck(workload, wanted[addressText(workload.address)]),
      rolloutCheck(workload, look.baseline),
      restartCheck(workload, look.baseline)
    ])
    return {
      checks: [...record, ...each, ...services, ...probe],
      observed: { restarts: restartsOf(workloads), available: availableOf(workloads) }
    }
  } catch (error) {
    look.signal.throwIfAborted()
    return { checks: [unread(error)], observed: look.baseline ?? {} }
  }
}

/** A workload that does not exist is a failure; any other error of the cluster proves nothing. */
function unread(error: unknown): Check {
  const detail = oneLine(messageOf(error), 300)
  return error instanceof RollbackError && error.code === 'not_found'
    ? { id: 'workloads', title: 'Every workload exists', status: 'fail', detail }
    : { id: 'cluster', title: 'The cluster answers', status: 'unknown', detail }
}

function identityCheck(workload: Workload, wanted: { name: string; hash: string } | undefined): Check {
  const { address, object, current, hash } = workload
  const id = `identity:${addressText(address)}`
  const title = `${shortText(address)} has the planned template`
  const detail = current ? `${current.image} (${current.name})` : `template ${hash}`
  if (!wanted) return { id, title, status: 'unknown', detail: `${detail}; the planned one is unknown` }
  const isWanted = (pinnedFrom(workload)?.hash ?? hash) === wanted.hash || isMadeOf(object, wanted.name)
  return { id, title, status: isWanted ? 'pass' : 'fail', detail }
}

function rolloutCheck(workload: Workload, baseline: JsonObject | undefined): Check {
  const rollout = rolloutOf(workload.object)
  const { wanted, updated, available, seen } = rollout
  const old = Math.max(rollout.old, oldPods(workload).length)
  const id = `rollout:${addressText(workload.address)}`
  const title = `Every pod of ${shortText(workload.address)} is of that template and available`
  const failure = currentPods(workload).flatMap((pod) => podFailureOf(pod) ?? [])[0]
  const counts = `${available} of ${wanted} available, ${updated} updated, ${old} old${seen ? '' : ', not seen by its controller yet'}${failure ? `; ${failure}` : ''}`
  if (old > 0) return { id, title, status: 'fail', detail: counts }
  if (wanted === 0)
    return { id, title, status: 'pass', detail: `${wantsNone(workload)}, so only its template was checked` }
  if (rollout.complete && !failure) return { id, title, status: 'pass', detail: counts }
  const before = numbersOf(baseline?.available)[addressText(workload.address)]
  const broken = currentPods(workload).some((pod) => containerFailureOf(pod) !== null)
  if (before !== undefined && available >= before && !broken)
    return { id, title, status: 'pass', detail: `${counts}; it was scaled, and its former pods still serve` }
  return { id, title, status: 'fail', detail: counts }
}

function restartCheck(workload: Workload, baseline: JsonObject | undefined): Check {
  const id = `restarts:${addressText(workload.address)}`
  const title = `No container of ${shortText(workload.address)} was restarted`
  if (workload.pods === null)
    return { id, title, status: 'unknown', detail: 'these rights do not allow reading its pods' }
  const before = numbersOf(baseline?.restarts)
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
  return { id, title, status: 'pass', detail: baseline ? 'none since the first check' : `${total} restarts so far` }
}

const restartsOf = (workloads: readonly Workload[]): Record<string, number> =>
  Object.fromEntries(workloads.flatMap(currentPods).map((pod) => [pod.metadata.name, restarts(pod)]))

const availableOf = (workloads: readonly Workload[]): Record<string, number> =>
  Object.fromEntries(workloads.map(({ address, object }) => [addressText(address), rolloutOf(object).available]))

const numbersSchema = z.record(z.string(), z.number()).catch({})

const numbersOf = (observed: unknown): Record<string, number> => numbersSchema.parse(observed)

const restarts = (pod: Pod): number => containersOf(pod).reduce((sum, { restartCount }) => sum + restartCount, 0)

/** Requests the configured address as a user would; one good answer of a few is enough. */
async function checkProbe(cluster: KubernetesContext, signal: AbortSignal): Promise<Check[]> {
  const ask = askProbe(cluster, signal)
  if (!ask) return []
  const { ok, detail } = await untilGood(cluster.clock, signal, ask, (answer) => answer.ok)
  return [{ id: 'probe', title: 'The probe is answered', status: ok ? 'pass' : 'fail', detail }]
}

/** Sends the request of the configured probe once; null where none is configured. */
export function askProbe({ config, env }: KubernetesContext, signal: AbortSignal): (() => Promise<ProbeResult>) | null {
  if (!config.probe) return null
  const { http, expect_status: expectStatus } = config.probe
  return () => probe(http, { env, signal, expectStatus })
}
