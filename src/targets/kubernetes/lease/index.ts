import { z } from 'zod'
import type { LeaseRecord } from '../../../model/lease.ts'
import type { Observation } from '../../../model/observation.ts'
import { leaseLocked, leaseLost } from '../../lease-errors.ts'
import { isHeldBy, mayTakeLease } from '../../may-take-lease.ts'
import type { HeldLease, TargetLease } from '../../target.ts'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { type Address, addressText } from '../objects/names.ts'
import { addressesOf } from '../workloads/read.ts'
import {
  isHeld,
  type Lease,
  type LeaseLocation,
  leaseBody,
  leaseSchema,
  locationOf,
  mainOf,
  managedBy,
  recordOf,
  type Writing
} from './lease-object.ts'

const atOnce = 12

/** A Lease that is ours, as the server last returned it. */
interface Held {
  location: LeaseLocation
  main: LeaseLocation | null
  lease: Lease
}

/**
 * A coordination.k8s.io Lease for each workload, so that two rollbacks that share only one workload exclude each other. The first one
 * in order holds the whole record, the others name it. It is taken before the others, so that of two that want the same, one gets all.
 */
export const createLease = (cluster: KubernetesContext): TargetLease => ({
  async acquire(record, ttlMs, signal): Promise<HeldLease | null> {
    const [first, ...others] = (await addressesOf(cluster, signal)).sort(byText).map(locationOf)
    const held: Held[] = []
    const release = async (releasing: AbortSignal): Promise<void> => {
      await inParallel(held, atOnce, ({ location, lease }) => dropLease(cluster, location, lease, record, releasing))
    }
    let forbidden = false
    const take = async (location: LeaseLocation, main: LeaseLocation | null): Promise<void> => {
      const lease = await takeLease(cluster, location, { record, ttlMs, main }, signal).catch(orOn(null, 403))
      if (lease) held.push({ location, main, lease })
      else forbidden = true
    }
    try {
      if (first) await take(first, null)
      await inParallel(others, atOnce, (location) => take(location, first ?? null))
    } catch (error) {
      await release(AbortSignal.timeout(10_000)).catch(() => undefined)
      throw error
    }
    if (forbidden) cluster.log('warning', 'No lease is held on the cluster: these rights do not allow it.')
    if (held.length === 0) return null
    let written = record
    const renew = async (renewing: AbortSignal): Promise<void> => {
      await inParallel(held, atOnce, async (one) => {
        one.lease = await renewLease(cluster, one, { record: written, ttlMs, main: one.main }, renewing)
      })
    }
    return {
      renew,
      async markProven(marking) {
        written = { ...written, proven: true }
        await renew(marking)
      },
      release
    }
  }
})

const byText = (a: Address, b: Address): number => addressText(a).localeCompare(addressText(b))

type LeaseTerms = Omit<Writing, 'now' | 'present'>

/** Creates a workload's Lease, or takes over one that may be taken. @throws TargetError `locked`; ApiFailure 403 without the rights. */
async function takeLease(
  cluster: KubernetesContext,
  location: LeaseLocation,
  terms: LeaseTerms,
  signal: AbortSignal
): Promise<Lease> {
  const { api } = cluster
  const body = leaseBody(location, { ...terms, now: api.now() })
  const request = { doing: 'Taking the lease', method: 'POST', path: location.collection, body, signal } as const
  const taken = await api.send(request, leaseSchema).catch(orOn(null, 409))
  if (taken) return taken
  const present = await findLease(cluster, location, signal)
  if (!present) return takeLease(cluster, location, terms, signal)
  const expired = !isHeld(present, api.now())
  if (!mayTakeLease({ record: recordOf(present), expired }, terms.record)) throw leaseLocked(recordOf(present))
  const replaced = await putLease(cluster, location, terms, present, signal).catch(orOn(null, 404, 409))
  if (replaced) return replaced
  throw leaseLocked(recordOf(await findLease(cluster, location, signal)))
}

const putLease = (
  { api }: KubernetesContext,
  location: LeaseLocation,
  terms: LeaseTerms,
  present: Lease,
  signal: AbortSignal
): Promise<Lease> => {
  const body = leaseBody(location, { ...terms, now: api.now(), present })
  return api.send({ doing: 'Renewing the lease', method: 'PUT', path: location.path, body, signal }, leaseSchema)
}

/** @throws TargetError `lease_lost`. Reading the holder tells a renewal whose answer was lost from a lost lease. */
async function renewLease(
  cluster: KubernetesContext,
  { location, lease }: Held,
  terms: LeaseTerms,
  signal: AbortSignal
): Promise<Lease> {
  const renewed = await putLease(cluster, location, terms, lease, signal).catch(orOn(null, 404, 409))
  if (renewed) return renewed
  const present = await findLease(cluster, location, signal)
  if (present && isHeldBy(recordOf(present), terms.record)) return putLease(cluster, location, terms, present, signal)
  throw leaseLost('cluster', 'someone else took or removed it')
}

/** Removes a Lease that is still its holder's, and leaves one that was taken over. */
async function dropLease(
  cluster: KubernetesContext,
  location: LeaseLocation,
  { metadata: { uid, resourceVersion } }: Lease,
  record: LeaseRecord,
  signal: AbortSignal
): Promise<void> {
  const body = { preconditions: { uid, ...(resourceVersion && { resourceVersion }) } }
  const request = { doing: 'Releasing the lease', method: 'DELETE', path: location.path, body, signal } as const
  const conflict = Symbol()
  const answer = await cluster.api.send(request, z.unknown()).catch(orOn(null, 404)).catch(orOn(conflict, 409))
  if (answer !== conflict) return
  const present = await findLease(cluster, location, signal)
  if (present && isHeldBy(recordOf(present), record)) await dropLease(cluster, location, present, record, signal)
}

const findLease = ({ api }: KubernetesContext, { path }: LeaseLocation, signal: AbortSignal): Promise<Lease | null> =>
  api.find({ doing: 'Reading the lease', path, signal }, leaseSchema)

/** Every Lease of ours in some namespaces, by its path; none without the right to read them. */
export async function readLeases(
  { api }: KubernetesContext,
  namespaces: readonly string[],
  signal: AbortSignal
): Promise<Map<string, Lease>> {
  const lists = await inParallel(namespaces, atOnce, async (namespace) => {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`
    const query = { labelSelector: managedBy }
    const request = { doing: 'Reading the leases', path, query, signal }
    const { items } = await api.list(request, leaseSchema).catch(orOn({ items: [] }, 403))
    return items.map((lease) => [`${path}/${lease.metadata.name}`, lease] as const)
  })
  return new Map(lists.flat())
}

/** The rollback that holds a Lease of one of these workloads, or held one: one that is held counts before one that has expired. */
export async function leaseOn(
  cluster: KubernetesContext,
  addresses: readonly Address[],
  leases: ReadonlyMap<string, Lease>,
  signal: AbortSignal
): Promise<Observation['lease'] | null> {
  const now = cluster.api.now()
  const [found] = addresses
    .flatMap((address) => leases.get(locationOf(address).path) ?? [])
    .sort((a, b) => Number(isHeld(b, now)) - Number(isHeld(a, now)))
  const seen = found && recordOf(found)
  if (!seen) return null
  const main = mainOf(found)
  const whole = main && recordOf(leases.get(main.path) ?? (await findLease(cluster, main, signal).catch(() => null)))
  const record = whole?.rollbackId === seen.rollbackId ? whole : seen
  return { record, expired: !isHeld(found, now) }
}
