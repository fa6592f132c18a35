import type { Observation } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import type { Mask } from '../../support/mask.ts'
import type { Begun } from '../journal/journal-events.ts'

/** Keeps versions and identities readable, although an image often has them in its environment, too. */
export function spareNames(mask: Mask, releases: readonly (Release | null)[]): void {
  for (const { version, id, commit, details } of releases.filter((release) => release !== null)) {
    for (const name of [version, ...spellingsOf(id), ...spellingsOf(commit ?? '')]) mask.spare(name)
    spareEach(mask, details)
  }
}

/** Keeps the names in an observation readable. */
export function spareObservation(mask: Mask, { current, releases, health }: Observation): void {
  spareNames(mask, [current, ...releases])
  for (const part of Object.keys(health.parts ?? {})) mask.spare(part)
}

/** Keeps the names that steps act on readable: a person may have to act on them. */
export function spareSteps(mask: Mask, steps: readonly Step[]): void {
  for (const { id, params } of steps) {
    mask.spare(id)
    spareEach(mask, params)
  }
}

/** Keeps the names in the beginning of a rollback readable. */
export function spareBegun(mask: Mask, { rollbackId, from, to, steps }: Begun): void {
  mask.spare(rollbackId)
  spareNames(mask, [from, to])
  spareSteps(mask, steps)
}

/** A digest or commit is also shown by its beginning. */
function spellingsOf(id: string): string[] {
  const hex = /^(?:sha256:)?([0-9a-f]{12,})$/.exec(id)?.[1]
  return hex ? [id, hex, hex.slice(0, 7), hex.slice(0, 8), hex.slice(0, 12)] : [id]
}

/** Every name in plain data: no text with blanks, and nothing that is longer than names are. */
function spareEach(mask: Mask, value: unknown): void {
  if (typeof value === 'string' && value.length <= 300 && !/\s/.test(value)) mask.spare(value)
  else if (value && typeof value === 'object') for (const inner of Object.values(value)) spareEach(mask, inner)
}
