import { messageOf } from '../support/errors.ts'
import { capTail, oneLine, plain } from '../support/text.ts'
import type { Journal } from './journal.ts'
import type { Session } from './session.ts'

const limitMs = 10_000
const mostCharacters = 8_000

/**
 * Writes what the target tells of the failing release into the journal, while the steps already run: after the rollback it may be gone.
 * Never rejects: evidence is worth having, not worth failing for.
 */
export async function collectDiagnosis(session: Session, journal: Journal): Promise<void> {
  try {
    const { findings, events, evidence } = await session.target.diagnose(AbortSignal.timeout(limitMs))
    await journal.append({ event: 'findings', findings: findings.map((line) => oneLine(line, 300)), events })
    for (const item of evidence)
      await journal.append({ event: 'evidence', item: { ...item, text: capTail(plain(item.text), mostCharacters) } })
  } catch (error) {
    await journal.attempt({
      event: 'note',
      text: `Evidence of the failure could not be collected: ${oneLine(messageOf(error))}`
    })
  }
}
