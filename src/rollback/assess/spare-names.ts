import type { Observation } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import type { Mask } from '../../support/mask.ts'
import type { Begun } from '../journal/journal-events.ts'

/** Versions and their identities are what answers are about; an image often holds them in its environment, too. */
export function spareNames(mask: Mask, releases: readonly (Release | null)[]): void {
  for (const { version, id, commit, details } of releases.filter((release) => release !== null)) {
    for (const name of [version, ...spellingsOf(id), ...spellingsOf(commit ?? '')]) mask.spare(name)
    spareEach(mask, details)
  }
}

/** Whatever the target is made of, by the names that its observation gives. */
export function spareObservation(mask: Mask, { current, releases, health }: Observation): void {
  spareNames(mask, [current, ...releases])
  for (const part of Object.keys(health.parts ?? {})) mask.spare(part)
}

/** The things that steps act on; a person may have to act on them by hand. */
export function spareSteps(mask: Mask, steps: readonly Step[]): void {
  for (const { id, params } of steps) {
    mask.spare(id)
    spareEach(mask, params)
  }
}

/** What a journal, or a mark on the target, says that was begun. */
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
