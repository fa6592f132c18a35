import type { Diagnosis } from '../model/diagnosis.ts'
import { quoteLine, quoteTail } from '../support/quote.ts'
import type { Session } from './session.ts'

const mostInLine = 300
const mostInEvidence = 8_000

/** What the target tells of what serves, masked and then cut. @throws what the target throws; evidence is worth having, not worth failing for. */
export async function diagnose({ target, mask }: Session, signal: AbortSignal): Promise<Diagnosis> {
  const { findings, events, evidence } = await target.diagnose(signal)
  return {
    findings: findings.map((line) => quoteLine(mask, line, mostInLine)),
    events: events.map((event) => ({ ...event, text: quoteLine(mask, event.text, mostInLine) })),
    evidence: evidence.map((item) => ({ ...item, text: quoteTail(mask, item.text, mostInEvidence) }))
  }
}
