import type { Check } from '../../model/check.ts'
import type { Health, HealthState, Observation } from '../../model/observation.ts'
import { messageOf } from '../../support/errors.ts'
import { servesBetter } from './compare-health.ts'
import type { RollbackRun } from './rollback-run.ts'

const observeWithinMs = 30_000
const settleWithinMs = 30_000
const observeEveryMs = 1000

/** What is deployed in the middle, or at the end, of a rollback. */
export interface Present {
  /** The target answered. */
  seen: boolean
  currentId: string | null
  version: string | null
  health: Health
  /** It is a mixture of several releases. */
  isMixed?: boolean
  fingerprint?: string
}

/** What the target says now. A failed check counts for more than an observation that finds nothing wrong. */
export async function presentState({ session, begun }: RollbackRun, checks: readonly Check[] = []): Promise<Present> {
  const observation: Observation | string = await session.target.observe(AbortSignal.timeout(observeWithinMs)).then(
    (observed) => observed.observation,
    (error: unknown) => messageOf(error)
  )
  if (typeof observation === 'string')
    return {
      seen: false,
      currentId: null,
      version: null,
      health: { state: 'unknown', message: `${begun.target} did not answer: ${observation}` }
    }
  const { current, health, mixedReleases, fingerprint } = observation
  const failed = checks.find(({ status }) => status === 'fail')
  const contradicted = failed && (health.state === 'unknown' || servesBetter(health.state, 'degraded'))
  return {
    seen: true,
    currentId: current?.id ?? null,
    version: current?.version ?? null,
    health: contradicted ? { state: 'degraded', message: `${failed.title}: ${failed.detail}` } : health,
    isMixed: mixedReleases ?? false,
    fingerprint
  }
}

/** The same, once it is as wanted or no longer progressing: what was started again needs a moment. */
export async function settledState(run: RollbackRun, wanted: (state: HealthState) => boolean): Promise<Present> {
  const { clock } = run.session
  const until = clock.now().getTime() + settleWithinMs
  for (;;) {
    const present = await presentState(run)
    const isSettled = present.seen && (present.health.state !== 'progressing' || wanted('progressing'))
    if (isSettled || clock.now().getTime() >= until) return present
    await clock.sleep(observeEveryMs)
  }
}

/** The switch failed before it changed anything: missing rights, for one. */
export const isUntouched = (present: Present, { fingerprint }: RollbackRun): boolean =>
  fingerprint !== undefined && fingerprint === present.fingerprint

export const stateLine = ({ version, health, seen }: Present): string =>
  seen
    ? `Now: ${version ?? 'nothing'} is deployed, ${health.state} (${health.message}).`
    : `Now: unknown (${health.message}).`
