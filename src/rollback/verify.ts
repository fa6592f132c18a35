import type { Release } from '../model/release.ts'
import { InputError } from '../support/errors.ts'
import { isRecorded } from './assess/evidence.ts'
import { spareBegun, spareNames } from './assess/spare-names.ts'
import { type JournalRecord, journalById, newestRollback } from './journal/journal.ts'
import { type Proof, prove } from './run/prove.ts'
import type { Session } from './session.ts'

export interface Verification extends Proof {
  target: string
  rollbackId: string | null
  release: Release
  /** A manual rollback that deploy.json has no record of. */
  unrecorded: boolean
}

interface VerifyRequest {
  rollbackId?: string
  soakMs: number
  signal: AbortSignal
}

/** Checks what a rollback (the newest by default) should have deployed; without any rollback, what serves now. */
export async function verify(session: Session, { rollbackId, soakMs, signal }: VerifyRequest): Promise<Verification> {
  const { files, target, name, mask } = session
  const record = await (rollbackId
    ? journalById(files.journals, rollbackId)
    : newestRollback(files.journals, session.name))
  const release = (record && expected(record)) ?? (await target.observe(signal)).observation.current
  if (!release)
    throw new InputError({
      what: 'There is nothing to verify',
      why: `there is no rollback of ${name} here, and nothing serves now`,
      next: 'Assess the target to see its state.',
      code: 'nothing_to_verify'
    })
  spareNames(mask, [release])
  if (record) spareBegun(mask, record.begun)
  const unrecorded =
    record?.ended?.outcome === 'manual' &&
    release === record.begun.to &&
    !isRecorded(session.history, record.begun.rollbackId)
  const proof = await prove(session, release, { soakMs, signal })
  return { ...proof, target: name, rollbackId: record?.begun.rollbackId ?? null, release, unrecorded }
}

/** What should serve after a rollback with this end; null for a closed one, which left what serves as it was. */
const expected = ({ begun, events, ended }: JournalRecord): Release | null => {
  if (ended && events.some((event) => event.event === 'resumed' && event.kind === 'close')) return null
  return ended && (ended.outcome === 'undone' || ended.outcome === 'cancelled') ? begun.from : begun.to
}
