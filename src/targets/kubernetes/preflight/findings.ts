import type { Blocker, Risk } from '../../../model/observation.ts'

/** What was found before a rollback that speaks against it. */
export interface Findings {
  risks: Risk[]
  blockers: Blocker[]
  notes: string[]
}

/** Several findings as one, in order. */
export const joined = (parts: readonly Partial<Findings>[]): Findings => ({
  risks: parts.flatMap(({ risks }) => risks ?? []),
  blockers: parts.flatMap(({ blockers }) => blockers ?? []),
  notes: parts.flatMap(({ notes }) => notes ?? [])
})
