import { z } from 'zod'
import type { LeaseRecord } from '../../../model/lease.ts'
import type { Observation } from '../../../model/observation.ts'
import { TargetError } from '../../../support/errors.ts'
import { isHeldBy, mayTakeLease } from '../../may-take-lease.ts'
import type { HeldLease, TargetLease } from '../../target.ts'
import { isStatus } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { type Address, addressText } from '../objects/names.ts'
import { addressesOf } from '../workloads/read.ts'
import {
  homeOf,
  isHeld,
  type Lease,
  leaseBody,
  leaseSchema,
  managedBy,
  type Place,
  placeOf,
  recordOf,
  type Writing
} from './lease-object.ts'

const atOnce = 12

/** A Lease that is ours, as the server last gave it. */
interface Held {
  place: Place
  home: Place | null
  lease: Lease
}

/**
 * A coordination.k8s.io Lease per workload, so that two rollbacks which share only one workload meet, too. The first one in order
 * holds what was begun, the others name it. The first is taken before the others, so that of two who want the same one gets all.
 */
export function createLease(cluster: KubernetesContext): TargetLease {
  return {
    async acquire(record, ttlMs, signal): Promise<HeldLease | null> {
      const places = (await addressesOf(cluster, signal)).sort(byText).map(placeOf)
      const [first, ...others] = places
      const held: Held[] = []
      let forbidden = false
      const take = async (place: Place, home: Place | null): Promise<void> => {
        const lease = await takeLease(cluster, place, { record, ttlMs, home }, signal)
        if (lease === 'forbidden') forbidden = true
        else held.push({ place, home, lease })
      }
      try {
        if (first) await take(first, null)
        await inParallel(others, atOnce, (place) => take(place, first ?? null))
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

type Terms = Omit<Writing, 'now' | 'present'>

/** Makes a workload's Lease, or takes one over that may be taken. */
async function takeLease(
  cluster: KubernetesContext,
  place: Place,
  terms: Terms,
  signal: AbortSignal
): Promise<Lease | 'forbidden'> {
  const { api } = cluster
  try {
    const body = leaseBody(place, { ...terms, now: api.now() })
    return await api.send(
      { doing: 'Taking the lease', method: 'POST', path: place.collection, body, signal },
      leaseSchema
    )
  } catch (error) {
    if (isStatus(error, 403)) return 'forbidden'
    if (!isStatus(error, 409)) throw error
  }
  try {
    const present = await findLease(cluster, place, signal)
    const expired = present !== null && !isHeld(present, api.now())
    if (present && !mayTakeLease({ record: recordOf(present), expired }, terms.record)) throw locked(recordOf(present))
    return present
      ? await putLease(cluster, place, terms, present, signal)
      : await takeLease(cluster, place, terms, signal)
  } catch (error) {
    if (isStatus(error, 403)) return 'forbidden'
    if (isStatus(error, 404, 409)) throw locked(recordOf(await findLease(cluster, place, signal)))
    throw error
  }
}

const putLease = (
  { api }: KubernetesContext,
  place: Place,
  terms: Terms,
  present: Lease,
  signal: AbortSignal
): Promise<Lease> => {
  const body = leaseBody(place, { ...terms, now: api.now(), present })
  return api.send({ doing: 'Renewing the lease', method: 'PUT', path: place.path, body, signal }, leaseSchema)
}

/** @throws TargetError `lease_lost`. A renewal whose answer was lost is told from a loss by reading the holder. */
async function renewLease(
  cluster: KubernetesContext,
  { place, home, lease }: Held,
  record: LeaseRecord,
  ttlMs: number,
  signal: AbortSignal
): Promise<Lease> {
  const terms = { record, ttlMs, home }
  try {
    return await putLease(cluster, place, terms, lease, signal)
  } catch (error) {
    if (!isStatus(error, 404, 409)) throw error
    const present = await findLease(cluster, place, signal)
    if (!present || !isHeldBy(recordOf(present), record)) throw lost()
    return putLease(cluster, place, terms, present, signal)
  }
}

const releaseAll = async (
  cluster: KubernetesContext,
  held: readonly Held[],
  record: LeaseRecord,
  signal: AbortSignal
): Promise<void> => {
  await inParallel(held, atOnce, ({ place, lease }) => dropLease(cluster, place, lease, record, signal))
}

/** Removes a Lease that is still its holder's; whoever has taken it over keeps it. */
async function dropLease(
  cluster: KubernetesContext,
  place: Place,
  lease: Lease,
  record: LeaseRecord,
  signal: AbortSignal
): Promise<void> {
  const { uid, resourceVersion } = lease.metadata
  try {
    const body = { preconditions: { uid, ...(resourceVersion && { resourceVersion }) } }
    await cluster.api.send(
      { doing: 'Releasing the lease', method: 'DELETE', path: place.path, body, signal },
      z.unknown()
    )
  } catch (error) {
    if (isStatus(error, 404)) return
    if (!isStatus(error, 409)) throw error
    const present = await findLease(cluster, place, signal)
    if (present && isHeldBy(recordOf(present), record)) await dropLease(cluster, place, present, record, signal)
  }
}

const findLease = ({ api }: KubernetesContext, { path }: Place, signal: AbortSignal): Promise<Lease | null> =>
  api.find({ doing: 'Reading the lease', path, signal }, leaseSchema)

/** Every Lease of ours in some namespaces, by its path; none where they may not be read. */
export async function readLeases(
  { api }: KubernetesContext,
  namespaces: readonly string[],
  signal: AbortSignal
): Promise<Map<string, Lease>> {
  const lists = await inParallel(namespaces, atOnce, async (namespace) => {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`
    const query = { labelSelector: managedBy }
    return api.list({ doing: 'Reading the leases', path, query, signal }, leaseSchema).then(
      ({ items }) => items.map((lease) => [`${path}/${lease.metadata.name}`, lease] as const),
      (error: unknown) => {
        if (isStatus(error, 403)) return []
        throw error
      }
    )
  })
  return new Map(lists.flat())
}

/** Who rolls one of these workloads back now, or began to: whoever still holds a Lease before one whose has expired. */
export async function leaseOn(
  cluster: KubernetesContext,
  addresses: readonly Address[],
  leases: ReadonlyMap<string, Lease>,
  signal: AbortSignal
): Promise<Observation['lease'] | null> {
  const now = cluster.api.now()
  const [found] = addresses
    .flatMap((address) => leases.get(placeOf(address).path) ?? [])
    .sort((a, b) => Number(isHeld(b, now)) - Number(isHeld(a, now)))
  const seen = found && recordOf(found)
  if (!seen) return null
  const home = homeOf(found)
  const whole = home && recordOf(leases.get(home.path) ?? (await findLease(cluster, home, signal).catch(() => null)))
  const record = whole?.rollbackId === seen.rollbackId ? whole : seen
  return { record, expired: !isHeld(found, now) }
}

const locked = (record: LeaseRecord | null): TargetError =>
  new TargetError({
    what: 'Another rollback of this target is under way',
    why: record
      ? `${record.rollbackId} by ${record.holder.user} on ${record.holder.host} since ${record.startedAt}`
      : 'somebody else took the lease at the same moment',
    next: 'Wait for it to end, or for its lease to expire, and assess again.',
    code: 'locked',
    retryable: true
  })

const lost = (): TargetError =>
  new TargetError({
    what: 'The lease on the cluster is lost',
    why: 'somebody else took or removed it',
    state: 'The rollback stopped at a safe point.',
    next: 'Assess again: it names what was begun.',
    code: 'lease_lost'
  })
