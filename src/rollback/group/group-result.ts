import type { Outcome } from '../../model/outcome.ts'
import type { Release } from '../../model/release.ts'
import type { RollbackResult } from '../run/result.ts'
import type { StayingTarget } from './group-assessment.ts'

/** How one target of a group ended. */
export interface MemberResult {
  target: string
  from: Release | null
  to: Release
  outcome: Outcome
  /** null where its rollback was refused before it began; `why` says why. */
  result: RollbackResult | null
  why: string | null
  /** What the target itself shows now; null where it did not answer. */
  serves: Release | null
}

/** How the rollback of several targets ended, or its dry run. */
export interface GroupResult {
  /** As the next call names them: "docker,npm". */
  names: string
  groupId: string | null
  /** That of the worst part. */
  outcome: Outcome
  dryRun: boolean
  members: MemberResult[]
  staying: StayingTarget[]
  /** When the versions that serve now served together before; null where they are not known to have, or all went back. */
  mixture: { from: string; until: string } | null
  durationMs: number
  state: string
  /** How it ended, where the outcome does not say it. */
  title: string | null
}

/** The result of one target, or of several as one. */
export type AnyResult = RollbackResult | GroupResult

export const isGroupResult = (result: AnyResult): result is GroupResult => 'members' in result

/** From the worst: what needs a person, what failed, what was not done, what is not known. */
const worstFirst: Outcome[] = [
  'stuck',
  'undone',
  'cancelled',
  'refused',
  'manual',
  'unverified',
  'checked',
  'succeeded'
]

/** The outcome of the worst part; `refused` where there is none. */
export const worstOf = (outcomes: readonly Outcome[]): Outcome =>
  worstFirst.find((outcome) => outcomes.includes(outcome)) ?? 'refused'
