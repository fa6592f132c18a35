import type { Release } from '../../model/release.ts'
import type { Observed, Target } from '../../targets/target.ts'
import type { JournalRecord } from './journal.ts'

/** An unfinished rollback, held against the target. Its releases and steps are the target's own as far as it knows them. */
export interface RereadRecord {
  record: JournalRecord
  /** Why it cannot be finished; one sentence each. */
  whyNotFinish: string[]
  /** Why it can only be closed: what it tells is none of this target's plans; one sentence each. */
  whyNotAtAll: string[]
}

/**
 * Holds an unfinished rollback, as a journal or a lease tells of it, against the target. Both lie where others can write, so they are
 * evidence of what was done and never a script: every release and every step must be one that this target has, or would plan.
 */
export async function rereadRecord(
  target: Target,
  told: JournalRecord,
  observed: Observed<unknown>,
  signal: AbortSignal
): Promise<RereadRecord> {
  const { begun } = told
  const { current, releases } = observed.observation
  const known = [...releases, ...(current ? [current] : [])]
  // What the target calls it counts: a tag may have been moved since, or the journal may lie.
  const own = ({ id, version }: Release): Release | undefined => {
    const same = known.filter((release) => release.id === id)
    return same.find((release) => release.version === version) ?? same[0]
  }
  const to = own(begun.to)
  const from = begun.from && (own(begun.from) ?? bare(begun.from))
  const move = { from, to: to ?? bare(begun.to) }
  const { steps, mismatches } = (await target.reread?.(begun.steps, { ...move, ...observed, signal })) ?? {
    steps: begun.steps,
    mismatches: []
  }
  return {
    record: { ...told, begun: { ...begun, ...move, steps: mismatches.length > 0 ? [] : steps } },
    whyNotFinish: to
      ? []
      : [`It cannot be finished: the target no longer has ${begun.to.version} (${begun.to.id}), to which it leads.`],
    whyNotAtAll: mismatches.map(
      (mismatch) =>
        `What is recorded of it is none of this target's plans from ${begun.from?.version ?? 'nothing'} to ${begun.to.version}, so it can only be closed (${mismatch}).`
    )
  }
}

/** A release of which only the journal knows: what identifies it, and nothing else that the journal says. */
const bare = ({ version, id }: Release): Release => ({ version, id, available: { state: 'unknown' } })
