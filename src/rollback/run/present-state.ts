import type { Check } from '../../model/check.ts'
import type { Health, HealthState, Observation } from '../../model/observation.ts'
import { messageOf } from '../../support/errors.ts'
import type { Begun } from '../journal/journal-events.ts'
import type { Session } from '../session.ts'
import { servesBetter } from './compare-health.ts'
import type { CarryOutContext } from './rollback-run.ts'

const observeWithinMs = 30_000
const settleWithinMs = 30_000
const lookEveryMs = 1000

/** What is deployed in the middle, or at the end, of a rollback. */
export interface Present {
  /** The target could be asked. */
  seen: boolean
  currentId: string | null
  version: string | null
  health: Health
  /** It is of several releases. */
  isMixed?: boolean
  fingerprint?: string
}

/** What the target says now; a check that failed on it tells more of its health than a observation that saw nothing wrong. */
export async function presentState(session: Session, begun: Begun, checks: readonly Check[] = []): Promise<Present> {
  const signal = AbortSignal.timeout(observeWithinMs)
  const observation: Observation | string = await session.target.observe(signal).then(
    (observed) => observed.observation,
    (error: unknown) => messageOf(error)
  )
  if (typeof observation === 'string')
    return {
      seen: false,
      currentId: null,
      version: null,
      health: { state: 'unknown', message: `${begun.target} could not be asked: ${observation}` }
    }
  const { state } = observation.health
  const failed = checks.find(({ status }) => status === 'fail')
  const contradicted = failed && (state === 'unknown' || servesBetter(state, 'degraded'))
  return {
    seen: true,
    currentId: observation.current?.id ?? null,
    version: observation.current?.version ?? null,
    health: contradicted ? { state: 'degraded', message: `${failed.title}: ${failed.detail}` } : observation.health,
    ...(observation.mixedReleases && { isMixed: true }),
    fingerprint: observation.fingerprint
  }
}

/** The same once it is as wanted, or no longer on its way there. What was started again needs a moment. */
export async function settledState(
  session: Session,
  begun: Begun,
  wanted: (state: HealthState) => boolean
): Promise<Present> {
  const until = session.clock.now().getTime() + settleWithinMs
  for (;;) {
    const present = await presentState(session, begun)
    const onItsWay = !present.seen || (present.health.state === 'progressing' && !wanted(present.health.state))
    if (!onItsWay || session.clock.now().getTime() >= until) return present
    await session.clock.sleep(lookEveryMs)
  }
}

/** The switch failed before it changed anything: missing rights, for one. */
export const isUntouched = (present: Present, { fingerprint }: CarryOutContext): boolean =>
  fingerprint !== undefined && fingerprint === present.fingerprint

export const stateLine = ({ version, health, seen }: Present): string =>
  seen
    ? `Now: ${version ?? 'nothing'} is in place, ${health.state} (${health.message}).`
    : `Now: nothing is known (${health.message}).`
