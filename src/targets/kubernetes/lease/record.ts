import { gunzipSync, gzipSync } from 'node:zlib'
import { type LeaseRecord, leaseRecordSchema } from '../../../model/lease.ts'

/** An object's annotations may hold 256 KiB in all (kubernetes.io, "Annotations"). */
const mostBytes = 200_000
const readableBytes = 50_000
const mostUnpacked = 16_000_000
const packedAs = 'gzip:'

/** A record as an annotation: readable where it is short, compressed where it is long; of one too long, who holds it. */
export function pack(record: LeaseRecord): string {
  const plain = JSON.stringify(record)
  if (Buffer.byteLength(plain) <= readableBytes) return plain
  const packed = packedAs + gzipSync(plain).toString('base64')
  return packed.length <= mostBytes ? packed : JSON.stringify({ ...record, begun: {} })
}

/** @throws nothing; what is no record gives null. */
export function unpack(text: string | undefined): LeaseRecord | null {
  try {
    const plain = text?.startsWith(packedAs)
      ? gunzipSync(Buffer.from(text.slice(packedAs.length), 'base64'), { maxOutputLength: mostUnpacked }).toString()
      : text
    return leaseRecordSchema.parse(JSON.parse(plain ?? 'null'))
  } catch {
    return null
  }
}
