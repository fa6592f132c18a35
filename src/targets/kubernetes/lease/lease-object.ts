import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'
import type { JsonObject } from '../../../model/json.ts'
import { type LeaseRecord, leaseRecordSchema } from '../../../model/lease.ts'
import { parseOutsideJson } from '../../../support/nesting.ts'
import { oneLine } from '../../../support/text.ts'
import { objectName } from '../config.ts'
import { type Address, addressText, marks } from '../objects/names.ts'
import { metadataSchema } from '../objects/objects.ts'

export const managedBy = 'app.kubernetes.io/managed-by=pop-deploy-rollback'

/** A Lease of the API, coordination.k8s.io/v1. */
export const leaseSchema = z.looseObject({
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
export type Lease = z.infer<typeof leaseSchema>

/** Where a Lease is. */
export interface LeaseLocation {
  namespace: string
  name: string
  /** The path of all Leases of its namespace. */
  collection: string
  path: string
}

const longestName = 253

/** A workload's own Lease: every rollback of that workload meets it, whatever else it rolls back. */
export function locationOf(address: Address): LeaseLocation {
  const plain = `popkit-rollback.${address.kind}.${address.name}`
  const name =
    plain.length <= longestName
      ? plain
      : `popkit-rollback.${createHash('sha256').update(addressText(address)).digest('hex')}`
  return at(address.namespace, name)
}

/** Reads the name of a Lease; null for what is not one. */
function locationNamed(text: string | undefined): LeaseLocation | null {
  const [namespace = '', name = ''] = (text ?? '').split('/')
  return objectName.test(namespace) && objectName.test(name) ? at(namespace, name) : null
}

const at = (namespace: string, name: string): LeaseLocation => {
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`
  return { namespace, name, collection, path: `${collection}/${name}` }
}

export interface Writing {
  record: LeaseRecord
  ttlMs: number
  /** The server's time, milliseconds. */
  now: number
  /** The Lease that holds the whole record, if another one does. */
  main: LeaseLocation | null
  /** The Lease as it is now; the write requires this state. */
  present?: Lease
}

/** The Lease to write for a holder. */
export function leaseBody(location: LeaseLocation, { record, ttlMs, now, main, present }: Writing): JsonObject {
  const time = microTime(now)
  const acquired = present?.spec.holderIdentity === record.rollbackId ? present.spec.acquireTime : time
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: location.name,
      namespace: location.namespace,
      labels: { 'app.kubernetes.io/managed-by': 'pop-deploy-rollback' },
      annotations: {
        [marks.lease]: pack(main ? { ...record, begun: {} } : record),
        ...(main && { [marks.leaseMain]: `${main.namespace}/${main.name}` })
      },
      ...(present?.metadata.resourceVersion && { resourceVersion: present.metadata.resourceVersion })
    },
    spec: {
      holderIdentity: record.rollbackId,
      leaseDurationSeconds: Math.ceil(ttlMs / 1000),
      acquireTime: acquired ?? time,
      renewTime: time
    }
  }
}

export const isHeld = ({ spec }: Lease, now: number): boolean =>
  Date.parse(spec.renewTime ?? '') + (spec.leaseDurationSeconds ?? 0) * 1000 > now

const idSchema = z.string().regex(/^[\w-][\w.-]{0,127}$/)

/** Who may write a Lease may write anything: an id that could be a path makes it none, and a holder's names become one line. */
export function recordOf(lease: Lease | null): LeaseRecord | null {
  const record = unpack(lease?.metadata.annotations?.[marks.lease])
  if (!record || !idSchema.safeParse(record.rollbackId).success || !Date.parse(record.startedAt)) return null
  const { host, user, pid } = record.holder
  return { ...record, holder: { host: oneLine(host, 253), user: oneLine(user, 100), pid } }
}

export const mainOf = ({ metadata }: Lease): LeaseLocation | null =>
  locationNamed(metadata.annotations?.[marks.leaseMain])

/** MicroTime of the API: six digits of a second. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')

/** An object's annotations may hold 256 KiB in all (kubernetes.io, "Annotations"). */
const mostBytes = 200_000
const readableBytes = 50_000
const mostUnpacked = 16_000_000
const packedAs = 'gzip:'

/** A record as an annotation: readable if it is short, compressed if it is long; the holder alone if it is too long. */
export function pack(record: LeaseRecord): string {
  const plain = JSON.stringify(record)
  if (Buffer.byteLength(plain) <= readableBytes) return plain
  const packed = packedAs + gzipSync(plain).toString('base64')
  return packed.length <= mostBytes ? packed : JSON.stringify({ ...record, begun: {} })
}

/** Reads it back; null for what is not a record. */
export function unpack(text: string | undefined): LeaseRecord | null {
  try {
    const plain = text?.startsWith(packedAs)
      ? gunzipSync(Buffer.from(text.slice(packedAs.length), 'base64'), { maxOutputLength: mostUnpacked }).toString()
      : text
    return leaseRecordSchema.parse(parseOutsideJson(plain ?? 'null'))
  } catch {
    return null
  }
}
