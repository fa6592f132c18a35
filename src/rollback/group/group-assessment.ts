import type { Blocker, Risk } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import type { ReleaseGroupSettings } from '../../project/deploy-file.ts'
import type { Assessment } from '../assess/assessment.ts'
import type { Plan } from '../assess/plan-id.ts'
import type { InterruptedGroup } from './interrupted-group.ts'
import type { Period } from './ran-together.ts'

/** A target that goes back with the others. */
export interface GroupMember {
  target: string
  /** null where the target did not answer; `unseen` says why. */
  assessment: Assessment | null
  unseen: string | null
  /** When its releases served, newest first. */
  periods: readonly Period[]
}

/** A target that was asked for and stays as it is, with the reason. */
export interface StayingTarget {
  target: string
  version: string | null
  why: string
}

/** The plan of each target, in the order in which they go back. */
export interface GroupPlan {
  id: string
  /** "docker=1.1.0,npm=1.1.0". */
  version: string
  members: { target: string; from: Release | null; plan: Plan }[]
  onFailure: ReleaseGroupSettings['onFailure']
}

/** What serves on several targets, what they go back to together, and how. */
export interface GroupAssessment {
  /** As the next call names them: "docker,npm". */
  names: string
  members: GroupMember[]
  staying: StayingTarget[]
  /** Until when the chosen versions served together; null where they are not known to have. */
  ranTogetherUntil: string | null
  /** Each risk of a target has an id with the target's name: "docker:migration:prisma". */
  risks: Risk[]
  blockers: Blocker[]
  plan: GroupPlan | null
  interrupted: InterruptedGroup | null
  notes: string[]
}

/** The assessment of one target, or of several as one. */
export type AnyAssessment = Assessment | GroupAssessment

export const isGroupAssessment = (assessment: AnyAssessment): assessment is GroupAssessment => 'members' in assessment
