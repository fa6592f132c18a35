import { join } from 'node:path'
import type { Release } from '../model/release.ts'
import { InputError } from '../support/errors.ts'
import { settled } from './assess/former-rollbacks.ts'
import { spareBegun, spareNames } from './assess/spare-names.ts'
import { type JournalRecord, readJournal, readJournals } from './journal/journal.ts'
import { type Proof, prove } from './run/prove.ts'
import type { Session } from './session.ts'

export interface Verification extends Proof {
  rollbackId: string | null
  release: Release
  /** A rollback that a person was left to do and that deploy.json has no record of. */
  unrecorded: boolean
}

export interface VerifyRequest {
  rollbackId?: string
  soakMs: number
  signal: AbortSignal
}

/** Reads the journal of one rollback. @throws InputError when there is none. */
export async function journalById(journals: string, rollbackId: string): Promise<JournalRecord> {
  const journalRecord = await readJournal(join(journals, `${rollbackId}.jsonl`)).catch(() => null)
  if (journalRecord) return journalRecord
  throw new InputError({
    what: `There is no rollback ${rollbackId}`,
    why: `${journals} holds no journal of that name`,
    next: 'Pass the rollback_id that execute_rollback returned, or name the target instead.',
    code: 'unknown_rollback'
  })
}

/** Looks at what a rollback (the newest by default) should have put in place; without any, at what serves now. */
export async function verify(session: Session, { rollbackId, soakMs, signal }: VerifyRequest): Promise<Verification> {
  const journalRecord = rollbackId
    ? await journalById(session.files.journals, rollbackId)
    : (await readJournals(session.files.journals, session.name)).find(({ ended }) => ended?.outcome !== 'refused')
  const release =
    (journalRecord && expected(journalRecord)) ?? (await session.target.observe(signal)).observation.current
  if (!release)
    throw new InputError({
      what: 'There is nothing to verify',
      why: `${session.name} was never rolled back from here, and nothing serves now`,
      next: 'Call assess_rollback to see the state of the target.',
      code: 'nothing_to_verify'
    })
  spareNames(session.mask, [release])
  if (journalRecord) spareBegun(session.mask, journalRecord.begun)
  const proof = await prove(session, release, { soakMs, signal })
  const unrecorded =
    journalRecord?.ended?.outcome === 'manual' &&
    release === journalRecord.begun.to &&
    !settled(session.history, journalRecord.begun.rollbackId)
  return { ...proof, rollbackId: journalRecord?.begun.rollbackId ?? null, release, unrecorded }
}

/** What should serve after a rollback that ended this way; null where it was closed, and left what serves to others. */
const expected = ({ begun, events, ended }: JournalRecord): Release | null => {
  if (ended && events.some((event) => event.event === 'resumed' && event.direction === 'close')) return null
  return ended && (ended.outcome === 'undone' || ended.outcome === 'cancelled') ? begun.from : begun.to
}
