import { fingerprintOf } from '../../support/canonical.ts'

const grammar = /^group-[0-9a-f]{16}(?:-[0-9a-f]{8}){1,20}$/

export const isGroupPlanId = (id: string): boolean => grammar.test(id)

/** One target of a group's plan: the id of its own plan, or of the option of its interrupted rollback; null where nothing is to be done. */
export interface PlannedMember {
  target: string
  planId: string | null
}

/**
 * The id of a group's plan: a hash over the plans of its targets in their order, and what happens when one fails; then a hash of each
 * target's plan, so that two ids tell which target has changed.
 */
export const groupPlanId = (members: readonly PlannedMember[], rest: unknown): string =>
  ['group', fingerprintOf([members, rest], 16), ...members.map((member) => fingerprintOf(member))].join('-')

/** The targets whose plan is another one than in the approved id; null where the two ids are not of the same targets. */
export function changedMembers(approved: string, members: readonly PlannedMember[]): string[] | null {
  const before = approved.split('-').slice(2)
  if (before.length !== members.length) return null
  return members.filter((member) => !before.includes(fingerprintOf(member))).map(({ target }) => target)
}
