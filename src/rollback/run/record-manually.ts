import { InputError } from '../../support/errors.ts'
import { settled } from '../assess/former-rollbacks.ts'
import type { JournalRecord } from '../journal/journal.ts'
import type { Session } from '../session.ts'
import { prove } from './prove.ts'

/**
 * Adds the record of a rollback that ended `manual`, once a person has done it: only after the checks passed, soak included.
 * @returns whether it was added; false when deploy.json has it already.
 * @throws InputError when the rollback did not end `manual` or is not proven.
 */
export async function recordManually(
  session: Session,
  journalRecord: JournalRecord,
  signal: AbortSignal
): Promise<boolean> {
  const { begun, ended } = journalRecord
  const { rollbackId, from, to } = begun
  if (ended?.outcome !== 'manual' || !from)
    throw new InputError({
      what: `${rollbackId} is not a rollback that was left to a person`,
      why: `it ended ${ended?.outcome ?? 'interrupted'}; only one that ended manual, from a version that served, is recorded afterwards`,
      state: 'deploy.json is as it was.',
      next: 'Assess the target to see what serves.',
      code: 'not_manual'
    })
  if (settled(session.history, rollbackId)) return false
  const { verdict, checks } = await prove(session, to, { soakMs: session.settings.soakMs, signal })
  if (verdict !== 'healthy')
    throw new InputError({
      what: `${rollbackId} is not recorded as done`,
      why: checks
        .filter(({ status }) => status !== 'pass')
        .map(({ title, status, detail }) => `${title}: ${status} (${detail})`)
        .join('; '),
      state: 'deploy.json is as it was.',
      next: 'Follow the instructions of the rollback, then record it again.',
      code: 'not_proven'
    })
  await session.record({
    version: from.version,
    status: 'rolled_back',
    rollbackTo: to.version,
    rollbackId,
    outcome: 'manual',
    digest: from.id,
    rollbackToDigest: to.id,
    ...(from.commit && { commit: from.commit })
  })
  return true
}
