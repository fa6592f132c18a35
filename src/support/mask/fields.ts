import { plain } from '../text.ts'

/** Fields whose text has lines of its own; of all others a line break would be a lie. */
export const severalLines = new Set(['summary', 'text', 'markdown', 'rootCause', 'root_cause', 'impact', 'notes'])

/**
 * Fields of this program's own records in which every letter counts: which thing is meant, when, and what the program itself calls
 * it. A value with blanks or unseen letters is a sentence all the same. All other text is masked.
 */
const identities = new Set(
  `id rollbackid planid stepid target type event kind phase status state outcome direction verdict code tool
  version from to rollbackto digest rollbacktodigest commit accept accepted
  at since until now timestamp startedat begunat endedat recoveredat createdat rolledbackat lastgoodat healthysince`.split(
    /\s+/
  )
)
/** Plain data that hold names and hashes, never a secret; a resumption depends on every letter of them, and no answer shows them. */
const unshown = new Set(['recorded', 'details', 'fingerprint', 'snapshot', 'params'])
const opaque = new Set([...unshown, 'holder', 'arguments'])

const nameOf = (key: string): string => key.replaceAll('_', '').toLowerCase()

/** Whether a field is data of a target that no answer shows. */
export const isUnshown = (key: string): boolean => unshown.has(nameOf(key))

/** Whether a field identifies something, so that it has to stay as it is in a record. */
export function identifies(key: string, value: unknown): boolean {
  const name = nameOf(key)
  if (opaque.has(name)) return true
  if (name === 'steps') return Array.isArray(value) && value.every((step) => step?.params !== undefined)
  return identities.has(name) && [value].flat().every(isIdentity)
}

const isIdentity = (value: unknown): boolean => typeof value === 'string' && !/\s/.test(value) && plain(value) === value
