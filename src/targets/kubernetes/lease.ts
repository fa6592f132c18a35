import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { JsonObject } from '../../model/json.ts'
import { type LeaseRecord, leaseRecordSchema } from '../../model/lease.ts'
import type { Survey } from '../../model/survey.ts'
import { TargetError } from '../../support/errors.ts'
import type { HeldLease, TargetLease } from '../target.ts'
import { isStatus } from './client/failure.ts'
import { addressText, marks, parseAddress } from './names.ts'
import { metadataSchema } from './objects.ts'
import type { Workshop } from './workshop.ts'

const leaseSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z
    .looseObject({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().nullish(),
      acquireTime: z.string().nullish(),
      renewTime: z.string().nullish()
    })
    .default({})
})
type Lease = z.infer<typeof leaseSchema>

/** A coordination.k8s.io Lease per target: its name is made from what is rolled back, so every machine meets it. */
export function createLease(workshop: Workshop): TargetLease {
  const { api } = workshop
  const place = placeOf(workshop)
  const path = `${place.collection}/${place.name}`

  const put = (record: LeaseRecord, ttlMs: number, current: Lease | null, signal: AbortSignal): Promise<Lease> => {
    const now = microTime(api.now())
    const acquired = current?.spec.holderIdentity === record.rollbackId ? current.spec.acquireTime : now
    const body: JsonObject = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: place.name,
        namespace: place.namespace,
        labels: { 'app.kubernetes.io/managed-by': 'pop-deploy-rollback' },
        annotations: { [marks.lease]: annotationFor(record) },
        ...(current?.metadata.resourceVersion && { resourceVersion: current.metadata.resourceVersion })
      },
      spec: {
        holderIdentity: record.rollbackId,
        leaseDurationSeconds: Math.ceil(ttlMs / 1000),
        acquireTime: acquired ?? now,
        renewTime: now
      }
    }
    return current
      ? api.send({ doing: 'Renewing the lease', method: 'PUT', path, body, signal }, leaseSchema)
      : api.send({ doing: 'Taking the lease', method: 'POST', path: place.collection, body, signal }, leaseSchema)
  }

  return {
    async acquire(record, ttlMs, signal) {
      const present = await findLease(workshop, signal).catch(unlessForbidden)
      if (present === 'forbidden') return withoutLease(workshop)
      if (present && isHeld(present, api.now()) && present.spec.holderIdentity !== record.rollbackId)
        throw locked(recordOf(present))
      const held = await put(record, ttlMs, present, signal).catch(async (error: unknown) => {
        if (isStatus(error, 409)) throw locked(recordOf(await findLease(workshop, signal)))
        return unlessForbidden(error)
      })
      if (held === 'forbidden') return withoutLease(workshop)
      const { uid } = held.metadata
      return {
        async renew(renewing) {
          const now = await findLease(workshop, renewing)
          if (!now || now.spec.holderIdentity !== record.rollbackId) throw lost()
          await put(record, ttlMs, now, renewing).catch((error: unknown) => {
            if (isStatus(error, 404, 409)) throw lost()
            throw error
          })
        },
        release: (releasing) => drop(workshop, path, uid, releasing)
      } satisfies HeldLease
    }
  }
}

/** An object's annotations may hold 256 KiB in all; with too many workloads another machine sees who, but cannot finish it. */
function annotationFor(record: LeaseRecord): string {
  const text = JSON.stringify(record)
  return Buffer.byteLength(text) <= 200_000 ? text : JSON.stringify({ ...record, begun: {} })
}

const unlessForbidden = (error: unknown): 'forbidden' => {
  if (isStatus(error, 403)) return 'forbidden'
  throw error
}

/** Without the right to a Lease only this machine's own lock keeps others off; the plan has said so. */
function withoutLease({ log }: Workshop): HeldLease {
  log('warning', 'No lease is held on the cluster: these rights do not allow it.')
  return { renew: async () => undefined, release: async () => undefined }
}

/** The lease on the target, if there is one. It may not be readable with few rights; then nothing is known of one. */
export async function readLease(workshop: Workshop, signal: AbortSignal): Promise<Survey['lease'] | null> {
  const lease = await findLease(workshop, signal).catch((error: unknown) => {
    if (isStatus(error, 403)) return null
    throw error
  })
  const record = recordOf(lease)
  return lease && record ? { record, expired: !isHeld(lease, workshop.api.now()) } : null
}

const findLease = (workshop: Workshop, signal: AbortSignal): Promise<Lease | null> => {
  const { collection, name } = placeOf(workshop)
  return workshop.api.find({ doing: 'Reading the lease', path: `${collection}/${name}`, signal }, leaseSchema)
}

const isHeld = ({ spec }: Lease, now: number): boolean =>
  Date.parse(spec.renewTime ?? '') + (spec.leaseDurationSeconds ?? 0) * 1000 > now

function recordOf(lease: Lease | null): LeaseRecord | null {
  try {
    return leaseRecordSchema.parse(JSON.parse(lease?.metadata.annotations?.[marks.lease] ?? 'null'))
  } catch {
    return null
  }
}

export function placeOf({ config, namespace }: Workshop): { namespace: string; collection: string; name: string } {
  const workloads = (config.workloads ?? []).map((text) => parseAddress(text, namespace))
  const identity = JSON.stringify(
    workloads.length > 0 ? workloads.map(addressText).sort() : [namespace, config.selector ?? '']
  )
  const home = workloads[0]?.namespace ?? namespace
  return {
    namespace: home,
    collection: `/apis/coordination.k8s.io/v1/namespaces/${home}/leases`,
    name: `popkit-rollback-${createHash('sha256').update(identity).digest('hex').slice(0, 16)}`
  }
}

async function drop({ api }: Workshop, path: string, uid: string, signal: AbortSignal): Promise<void> {
  try {
    const body = { preconditions: { uid } }
    await api.send({ doing: 'Releasing the lease', method: 'DELETE', path, body, signal }, z.unknown())
  } catch (error) {
    if (!isStatus(error, 404, 409)) throw error
  }
}

/** MicroTime of the API: six digits of a second. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')

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
