import type { Release } from '../model/release.ts'
import { InputError } from '../support/errors.ts'
import { isRecorded } from './assess/evidence.ts'
import { spareBegun, spareNames } from './assess/spare-names.ts'
import { journalById, newestRollback, servesAfter } from './journal/journal.ts'
import { releaseOnTarget } from './journal/reread.ts'
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
  const { files, target, name, mask, clock } = session
  const record = await (rollbackId
    ? journalById(files.journals, rollbackId, clock.now())
    : newestRollback(files.journals, session.name, clock.now()))
  const told = record && servesAfter(record)
  const release = told
    ? await releaseOnTarget(target, told, signal)
    : (await target.observe(signal)).observation.current
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
    told === record.begun.to &&
    !isRecorded(session.history, record.begun.rollbackId)
  const proof = await prove(session, release, { soakMs, signal })
  return { ...proof, target: name, rollbackId: record?.begun.rollbackId ?? null, release, unrecorded }
}
