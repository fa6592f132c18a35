import { type Check, type CheckReport, checkOf } from '../../model/check.ts'
import type { Release } from '../../model/release.ts'
import { messageOf, orElse } from '../../support/errors.ts'
import { quoteLine } from '../../support/quote.ts'
import { duration } from '../../support/text.ts'
import type { CheckOptions } from '../../targets/target.ts'
import type { Session } from '../session.ts'
import { isOfSignal } from '../signals/signals.ts'

type Verdict = 'healthy' | 'unhealthy' | 'inconclusive'

export interface Proof {
  verdict: Verdict
  checks: Check[]
  /** The time of the first of the uninterrupted healthy checks. */
  healthySince?: string
}

interface ProveOptions {
  soakMs: number
  /** The release was put in place a moment ago: signals may still show the one before, and are waited for. */
  settling?: boolean
  signal: AbortSignal
  progress?(message: string): void
  /** Called as soon as it is healthy by its own checks, before it is watched and its signals are known. */
  serving?(since: Date): void
}

const lookEveryMs = 1000

/** How long `prove` takes at most, beyond the checks themselves: unknown for the time of a soak, then a whole soak. */
export const longestProofMs = (soakMs: number): number => 2 * soakMs

/**
 * Checks a release once a second until it has been healthy for the whole soak. The duration of the first healthy check does not count,
 * and an `unknown` check restarts the soak. A failed check ends it at once, unless its report says that it may still pass; so does a
 * check that is still unknown, or still expected to pass, after the time of a soak, or the longer one that it may take.
 */
export async function prove(
  session: Session,
  release: Release,
  { soakMs, settling = false, signal, progress, serving }: ProveOptions
): Promise<Proof> {
  const first = await look(session, release, { signal, settling })
  const began = session.clock.now()
  let latest: CheckReport = first
  let patienceMs = soakMs
  let serves = false
  const since = (before: Date | null, now: Date): Date | null => {
    if (settling) patienceMs = Math.max(patienceMs, latest.patienceMs ?? 0)
    const served = serves
    serves = verdictOf(latest.checks.filter((check) => !isOfSignal(check))) === 'healthy'
    if (serves && !served) serving?.(now)
    return verdictOf(latest.checks) === 'healthy' ? (before ?? now) : null
  }
  let healthySince = since(null, began)
  const left = (): number =>
    (healthySince ? soakMs : patienceMs) - (session.clock.now().getTime() - (healthySince ?? began).getTime())
  while ((latest.awaited || verdictOf(latest.checks) !== 'unhealthy') && left() > 0) {
    progress?.(`${healthySince ? 'healthy so far' : notYet(latest)}, checking for another ${duration(left())}`)
    await session.clock.sleep(Math.min(lookEveryMs, left()), signal)
    latest = await look(session, release, { signal, settling, baseline: first.observed })
    healthySince = since(healthySince, session.clock.now())
  }
  const verdict = verdictOf(latest.checks)
  return {
    verdict,
    checks: session.mask.record(latest.checks),
    ...(verdict === 'healthy' && healthySince && { healthySince: healthySince.toISOString() })
  }
}

/** What a person waits for: signals take longer than everything else. */
const notYet = ({ checks }: CheckReport): string => {
  const open = checks.filter(({ status }) => status !== 'pass')
  return open.length > 0 && open.every(isOfSignal)
    ? `it serves, and ${open.map(({ title, detail }) => `${title}: ${detail}`).join('; ')}`
    : 'not healthy yet'
}

/** A check that throws is unknown, not failed. */
async function look(session: Session, release: Release, options: CheckOptions): Promise<CheckReport> {
  return orElse(options.signal, session.target.check(release, options), (error) => ({
    checks: [checkOf('look', 'The target answers')('unknown', quoteLine(session.mask, messageOf(error), 300))],
    observed: options.baseline ?? {}
  }))
}

export function verdictOf(checks: readonly Check[]): Verdict {
  if (checks.some(({ status }) => status === 'fail')) return 'unhealthy'
  if (checks.length === 0 || checks.some(({ status }) => status === 'unknown')) return 'inconclusive'
  return 'healthy'
}
