import { messageOf } from '../../support/errors.ts'
import { quoteLine } from '../../support/quote.ts'
import { diagnose } from '../diagnose.ts'
import type { Journal } from '../journal/journal.ts'
import type { Session } from '../session.ts'

const limitMs = 10_000

/**
 * Writes what the target tells of the failing release into the journal, while the steps already run: after the rollback it may be gone.
 * Never rejects: evidence is worth having, not worth failing for.
 */
export async function collectDiagnosis(session: Session, journal: Journal): Promise<void> {
  try {
    const { findings, events, evidence } = await diagnose(session, AbortSignal.timeout(limitMs))
    await journal.append({ event: 'findings', findings, events })
    for (const item of evidence) await journal.append({ event: 'evidence', item })
  } catch (error) {
    await journal.attempt({
      event: 'note',
      text: `Evidence of the failure could not be collected: ${quoteLine(session.mask, messageOf(error))}`
    })
  }
}
