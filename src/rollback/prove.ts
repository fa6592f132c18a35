import type { Check } from '../model/check.ts'
import type { Release } from '../model/release.ts'
import { isoNow } from '../support/clock.ts'
import { messageOf } from '../support/errors.ts'
import { quoteLine } from '../support/quote.ts'
import { duration } from '../support/text.ts'
import type { Session } from './session.ts'

export type Verdict = 'healthy' | 'unhealthy' | 'inconclusive'

export interface Proof {
  verdict: Verdict
  checks: Check[]
  /** When the first look found it healthy, and no later one otherwise. */
  healthySince?: string
}

export interface ProveOptions {
  soakMs: number
  signal: AbortSignal
  progress?(message: string): void
}

const lookEveryMs = 1000

/**
 * Looks at a release, and again and again until the soak is over. The last look decides; a failure in between ends it at once,
 * for a release that fails once within its soak has not been proven.
 */
export async function prove(
  session: Session,
  release: Release,
  { soakMs, signal, progress }: ProveOptions
): Promise<Proof> {
  const began = session.clock.now().getTime()
  const first = await look(session, release, signal)
  const firstAt = isoNow(session.clock)
  let latest = first
  while (verdictOf(latest.checks) !== 'unhealthy') {
    const left = soakMs - (session.clock.now().getTime() - began)
    if (left <= 0) break
    progress?.(`healthy so far, watching for another ${duration(left)}`)
    await session.clock.sleep(Math.min(lookEveryMs, left), signal)
    latest = await look(session, release, signal, first.observed)
  }
  const verdict = verdictOf(latest.checks)
  const healthySince = verdict === 'healthy' && verdictOf(first.checks) === 'healthy' ? firstAt : undefined
  return { verdict, checks: session.mask.data(latest.checks), ...(healthySince && { healthySince }) }
}

/** A look that throws tells nothing: that is unknown, not a failure. */
async function look(
  session: Session,
  release: Release,
  signal: AbortSignal,
  baseline?: Awaited<ReturnType<typeof session.target.check>>['observed']
) {
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
