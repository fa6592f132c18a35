import type { Observation } from '../../model/observation.ts'
import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import { fingerprintOf, fingerprint as hashOf } from '../../support/canonical.ts'
import type { Session } from '../session.ts'

/** A plan as it is shown and approved. */
export interface Plan {
  id: string
  to: Release
  steps: Step[]
  fingerprint: string
  soakMs: number
  /** What users notice of the switch, for people. */
  gap?: string
}

interface PlanIdentity {
  target: string
  from: Release | null
  to: Release
  steps: Step[]
  fingerprint: string
}

const grammar = /^plan-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/

export const isPlanId = (id: string): boolean => grammar.test(id)

/** The four parts of an id as hashes of canonical JSON. */
const idOf = (...parts: [subject: unknown, to: unknown, steps: unknown, fingerprint: unknown]): string =>
  `plan-${parts.map((part) => fingerprintOf(part)).join('-')}`

/**
 * A plan's id: hashes of what serves, the candidate, the steps and the state that they depend on. It needs no store, and two ids tell
 * which of the four has changed.
 */
export function planId({ target, from, to, steps, fingerprint }: PlanIdentity): string {
  const identity = (release: Release | null) => release && { version: release.version, id: release.id }
  return idOf({ target, from: identity(from) }, identity(to), steps, fingerprint)
}

/** The id of one option of an interrupted rollback. */
export const resumePlanId = (option: {
  rollbackId: string
  kind: string
  to: Release
  steps: readonly Step[]
  fingerprint: string
}): string => idOf([option.rollbackId, option.kind], option.to.id, option.steps, option.fingerprint)

/** A target's draft as the plan that is shown and approved. */
export function planOf(session: Session, observation: Observation, to: Release, draft: PlanDraft): Plan {
  const { steps } = draft
  const fingerprint = hashOf([observation.fingerprint, draft.fingerprint])
  return {
    id: planId({ target: session.name, from: observation.current, to, steps, fingerprint }),
    to,
    steps,
    fingerprint,
    soakMs: Math.max(session.settings.soakMs, draft.soakMs ?? 0),
    ...(draft.gap !== undefined && { gap: draft.gap })
  }
}

/** What differs between the approved plan and the plan of now. */
export function whatChanged(approved: string, now: string, { from, to }: PlanIdentity): string {
  const before = approved.split('-').slice(1)
  const after = now.split('-').slice(1)
  const lines = [
    `${from ? `${from.version} (${from.id})` : 'nothing'} serves now, another release than when the plan was made`,
    `${to.version} is now ${to.id}, another release than in the plan`,
    'the steps have changed',
    'the target was changed since the plan was shown (a deployment, a configuration, a container or image)'
  ]
  return lines.filter((_, index) => before[index] !== after[index]).join('; ')
}
