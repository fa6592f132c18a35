import { createHash } from 'node:crypto'
import { canonicalize } from 'json-canonicalize'

/** SHA-256 of a value's canonical JSON (RFC 8785), as `length` hex digits. */
export const fingerprintOf = (value: unknown, length = 8): string =>
  createHash('sha256').update(canonicalize(value)).digest('hex').slice(0, length)
