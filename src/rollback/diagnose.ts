import type { Diagnosis } from '../model/diagnosis.ts'
import { messageOf } from '../support/errors.ts'
import { quoteLine, quoteTail } from '../support/quote.ts'
import type { Journal } from './journal/write-journal.ts'
import type { Session } from './session.ts'

const limitMs = 10_000
const mostInLine = 300
const mostInEvidence = 8_000

/** What the target tells of what serves, masked and then cut. @throws what the target throws. */
export async function diagnose({ target, mask }: Session, signal: AbortSignal): Promise<Diagnosis> {
  const { findings, events, evidence } = await target.diagnose(signal)
  return {
    findings: findings.map((line) => quoteLine(mask, line, mostInLine)),
    events: events.map((event) => ({ ...event, text: quoteLine(mask, event.text, mostInLine) })),
    evidence: evidence.map((item) => ({ ...item, text: quoteTail(mask, item.text, mostInEvidence) }))
  }
}

/**
 * Writes the diagnosis of the failing release into the journal while the steps already run: after the rollback it may be gone.
 * Never rejects: a rollback does not fail for a lack of evidence.
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
