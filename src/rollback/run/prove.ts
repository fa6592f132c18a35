import type { Check, CheckReport } from '../../model/check.ts'
import type { Release } from '../../model/release.ts'
import { messageOf } from '../../support/errors.ts'
import { quoteLine } from '../../support/quote.ts'
import { duration } from '../../support/text.ts'
import type { Session } from '../session.ts'

export type Verdict = 'healthy' | 'unhealthy' | 'inconclusive'

export interface Proof {
  verdict: Verdict
  checks: Check[]
  /** The first of the healthy looks in a row that proved it. */
  healthySince?: string
}

export interface ProveOptions {
  soakMs: number
  signal: AbortSignal
  progress?(message: string): void
}

const lookEveryMs = 1000

/** How long `prove` may take at most, beyond what its looks take: what is unknown is borne for a soak, then a soak begins. */
export const longestProofMs = (soakMs: number): number => 2 * soakMs

/**
 * Looks at a release until it was healthy, look by look, for as long as the soak; the time of the first healthy look itself does not
 * count, and an unknown look begins the soak anew. A failure ends it at once, for a release that fails once within its soak has not
 * been proven, unless what fails is still awaited; so does a look that is unknown or awaited after the time of a soak.
 */
export async function prove(
  session: Session,
  release: Release,
  { soakMs, signal, progress }: ProveOptions
): Promise<Proof> {
  const first = await look(session, release, signal)
  const began = session.clock.now()
  let latest: CheckReport = first
  let healthySince = verdictOf(first.checks) === 'healthy' ? began : null
  const left = (): number => soakMs - (session.clock.now().getTime() - (healthySince ?? began).getTime())
  while ((latest.awaited || verdictOf(latest.checks) !== 'unhealthy') && left() > 0) {
    const sight = healthySince ? 'healthy so far, watching' : 'not yet seen healthy, looking'
    progress?.(`${sight} for another ${duration(left())}`)
    await session.clock.sleep(Math.min(lookEveryMs, left()), signal)
    latest = await look(session, release, signal, first.observed)
    healthySince = verdictOf(latest.checks) === 'healthy' ? (healthySince ?? session.clock.now()) : null
  }
  const verdict = verdictOf(latest.checks)
  return {
    verdict,
    checks: session.mask.record(latest.checks),
    ...(verdict === 'healthy' && healthySince && { healthySince: healthySince.toISOString() })
  }
}

/** A look that throws tells nothing: that is unknown, not a failure. */
async function look(
  session: Session,
  release: Release,
  signal: AbortSignal,
  baseline?: CheckReport['observed']
): Promise<CheckReport> {
  try {
    return await session.target.check(release, { signal, ...(baseline && { baseline }) })
  } catch (error) {
    signal.throwIfAborted()
    const check: Check = {
      id: 'look',
      title: 'The target answers',
      status: 'unknown',
      detail: quoteLine(session.mask, messageOf(error), 300)
    }
    return { checks: [check], observed: baseline ?? {} }
  }
}

export function verdictOf(checks: readonly Check[]): Verdict {
  if (checks.some(({ status }) => status === 'fail')) return 'unhealthy'
  if (checks.length === 0 || checks.some(({ status }) => status === 'unknown')) return 'inconclusive'
  return 'healthy'
}
