import { createHash } from 'node:crypto'
import { canonicalize } from 'json-canonicalize'

/** SHA-256 of a value's canonical JSON (RFC 8785), as `length` hex digits. */
export const fingerprintOf = (value: unknown, length = 8): string =>
  createHash('sha256').update(canonicalize(value)).digest('hex').slice(0, length)

/** What a plan depends on, as an opaque hash: it can be compared, and nothing can be read back out of it. */
export const fingerprint = (facts: object): string => fingerprintOf(facts, 64)
