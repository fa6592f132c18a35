import { z } from 'zod'
import type { LeaseRecord } from '../../../model/lease.ts'
import type { Observation } from '../../../model/observation.ts'
import { leaseLocked, leaseLost } from '../../lease-errors.ts'
import { isHeldBy, mayTakeLease } from '../../may-take-lease.ts'
import type { HeldLease, TargetLease } from '../../target.ts'
import { isStatus, orOn } from '../client/failure.ts'
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
export function createLease(cluster: KubernetesContext): TargetLease {
  return {
    async acquire(record, ttlMs, signal): Promise<HeldLease | null> {
      const locations = (await addressesOf(cluster, signal)).sort(byText).map(locationOf)
      const [first, ...others] = locations
      const held: Held[] = []
      let forbidden = false
      const take = async (location: LeaseLocation, main: LeaseLocation | null): Promise<void> => {
        const lease = await takeLease(cluster, location, { record, ttlMs, main }, signal)
        if (lease === 'forbidden') forbidden = true
        else held.push({ location, main, lease })
      }
      try {
        if (first) await take(first, null)
        await inParallel(others, atOnce, (location) => take(location, first ?? null))
      } catch (error) {
        await releaseAll(cluster, held, record, AbortSignal.timeout(10_000)).catch(() => undefined)
        throw error
      }
      if (forbidden) cluster.log('warning', 'No lease is held on the cluster: these rights do not allow it.')
      if (held.length === 0) return null
      let written = record
      const renew = async (renewing: AbortSignal): Promise<void> => {
        await inParallel(held, atOnce, async (one) => {
          one.lease = await renewLease(cluster, one, written, ttlMs, renewing)
        })
      }
      return {
        renew,
        async markProven(marking) {
          written = { ...written, proven: true }
          await renew(marking)
        },
        release: (releasing) => releaseAll(cluster, held, record, releasing)
      }
    }
  }
}

const byText = (a: Address, b: Address): number => addressText(a).localeCompare(addressText(b))

type LeaseTerms = Omit<Writing, 'now' | 'present'>

/** Creates a workload's Lease, or takes over one that may be taken. */
async function takeLease(
  cluster: KubernetesContext,
  location: LeaseLocation,
  terms: LeaseTerms,
  signal: AbortSignal
): Promise<Lease | 'forbidden'> {
  const { api } = cluster
  try {
    const body = leaseBody(location, { ...terms, now: api.now() })
    return await api.send(
      { doing: 'Taking the lease', method: 'POST', path: location.collection, body, signal },
      leaseSchema
    )
  } catch (error) {
    if (isStatus(error, 403)) return 'forbidden'
    if (!isStatus(error, 409)) throw error
  }
  try {
    const present = await findLease(cluster, location, signal)
    const expired = present !== null && !isHeld(present, api.now())
    if (present && !mayTakeLease({ record: recordOf(present), expired }, terms.record))
      throw leaseLocked(recordOf(present))
    return present
      ? await putLease(cluster, location, terms, present, signal)
      : await takeLease(cluster, location, terms, signal)
  } catch (error) {
    if (isStatus(error, 403)) return 'forbidden'
    if (isStatus(error, 404, 409)) throw leaseLocked(recordOf(await findLease(cluster, location, signal)))
    throw error
  }
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
  { location, main, lease }: Held,
  record: LeaseRecord,
  ttlMs: number,
  signal: AbortSignal
): Promise<Lease> {
  const terms = { record, ttlMs, main }
  try {
    return await putLease(cluster, location, terms, lease, signal)
  } catch (error) {
    if (!isStatus(error, 404, 409)) throw error
    const present = await findLease(cluster, location, signal)
    if (!present || !isHeldBy(recordOf(present), record)) throw leaseLost('cluster', 'someone else took or removed it')
    return putLease(cluster, location, terms, present, signal)
  }
}

const releaseAll = async (
  cluster: KubernetesContext,
  held: readonly Held[],
  record: LeaseRecord,
  signal: AbortSignal
): Promise<void> => {
  await inParallel(held, atOnce, ({ location, lease }) => dropLease(cluster, location, lease, record, signal))
}

/** Removes a Lease that is still its holder's, and leaves one that was taken over. */
async function dropLease(
  cluster: KubernetesContext,
  location: LeaseLocation,
  lease: Lease,
  record: LeaseRecord,
  signal: AbortSignal
): Promise<void> {
  const { uid, resourceVersion } = lease.metadata
  try {
    const body = { preconditions: { uid, ...(resourceVersion && { resourceVersion }) } }
    await cluster.api.send(
      { doing: 'Releasing the lease', method: 'DELETE', path: location.path, body, signal },
      z.unknown()
    )
  } catch (error) {
    if (isStatus(error, 404)) return
    if (!isStatus(error, 409)) throw error
    const present = await findLease(cluster, location, signal)
    if (present && isHeldBy(recordOf(present), record)) await dropLease(cluster, location, present, record, signal)
  }
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
