/** Names and labels by which this program knows its own things on an engine. */
export const leaseLabel = 'popkit.rollback.lease'
export const rehearsalLabel = 'popkit.rollback.rehearsal'

const mark = /^(.+)-popkit-(new|old|try)-([0-9a-f]{12})$/

/** A replacement until it takes over the name; made from the old container's id, so that it is found again. */
export const temporaryName = (name: string, oldId: string): string => `${name}-popkit-new-${oldId.slice(0, 12)}`
/** The old container while it is kept. */
export const fallbackName = (name: string, oldId: string): string => `${name}-popkit-old-${oldId.slice(0, 12)}`
/** A name may have 201 characters (containerNamePattern), and a mark adds 24. */
export const longestName = 177
/** A container that only rehearses. */
export const rehearsalName = (name: string, oldId: string): string => `${name}-popkit-try-${oldId.slice(0, 12)}`

export interface Marked {
  base: string
  role: 'new' | 'old' | 'try'
}

/** The parts of a name that this program gave; null for any other. */
export function marked(name: string): Marked | null {
  const match = mark.exec(name)
  return match?.[1] && match[2] ? { base: match[1], role: match[2] as Marked['role'] } : null
}

/** The name of what serves: a container's own, or the one that it has a marked name of. */
export const baseName = (name: string): string => marked(name)?.base ?? name
