import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import { fingerprintOf } from '../../support/canonical.ts'

export interface PlanIdentity {
  target: string
  from: Release | null
  to: Release
  steps: Step[]
  fingerprint: string
}

const grammar = /^plan-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/

export const isPlanId = (id: string): boolean => grammar.test(id)

/**
 * A plan's id: four hashes of canonical JSON, of what serves, the candidate, the steps and the state they depend on.
 * It needs no store, and two ids tell which of the four has changed.
 */
export function planId({ target, from, to, steps, fingerprint }: PlanIdentity): string {
  const identity = (release: Release | null) => release && { version: release.version, id: release.id }
  const parts = [{ target, from: identity(from) }, identity(to), steps, fingerprint]
  return `plan-${parts.map((part) => fingerprintOf(part)).join('-')}`
}

/** What differs between the plan a person saw and the plan of now, one line each. */
export function whatChanged(shown: string, now: string, { from, to }: PlanIdentity): string[] {
  const before = shown.split('-').slice(1)
  const after = now.split('-').slice(1)
  const lines = [
    `what serves now is ${from ? `${from.version} (${from.id})` : 'nothing'}, not what the plan was made for`,
    `${to.version} is now ${to.id}, not what the plan named`,
    'the steps are no longer the ones that were shown',
    'the target was changed since the plan was shown (a deployment, a configuration, a container or image)'
  ]
  return lines.filter((_, index) => before[index] !== after[index])
}
