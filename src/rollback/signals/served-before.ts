import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release } from '../../model/release.ts'
import type { Compared, ServedBefore } from '../../signals/read-signals.ts'
import { rankCandidates, recommend } from '../assess/candidates.ts'
import { sameDigest, servingPeriods } from '../assess/evidence.ts'

/** What the signals of the version that serves are compared with: the time when the best candidate last served. */
export function comparedTo(
  current: Release | null,
  releases: readonly Release[],
  history: readonly DeploymentRecord[],
  now: Date
): Compared {
  const deployedAt = deploymentOf(current)
  const evidence = { history, formerRollbacks: [], now: now.toISOString() }
  const candidate = recommend(current, rankCandidates(current, releases, evidence))?.release
  const before = candidate ? lastServed(candidate, history, now) : null
  return { deployedAt, before: before && endedBy(before, deployedAt) }
}

/** What the signals of a version that was rolled back to are compared with: the time when it served before. */
export function comparedToItself(release: Release, history: readonly DeploymentRecord[], now: Date): Compared {
  const before = lastServed(release, history, now)
  return { deployedAt: null, before: before && before.until < now.getTime() ? before : null }
}

/** When the current release came, as the target says; a container that was started again is as old as it is. */
function deploymentOf(current: Release | null): number | null {
  const times = [current?.served?.from, current?.createdAt].flatMap((at) => (at === undefined ? [] : [Date.parse(at)]))
  return current?.served?.from === undefined || times.some(Number.isNaN) ? null : Math.min(...times)
}

/** The newest time in which a release served and that is over, as far as the history and the target tell. */
function lastServed(release: Release, history: readonly DeploymentRecord[], now: Date): ServedBefore | null {
  const periods = servingPeriods(history, now.toISOString()).filter(
    ({ version, digest }) => version === release.version && sameDigest(digest, release)
  )
  const ended = periods.find(({ until }) => Date.parse(until) < now.getTime()) ?? periods[0]
  const { from, until } = ended ?? release.served ?? {}
  if (from === undefined) return null
  const served = { version: release.version, from: Date.parse(from), until: until ? Date.parse(until) : now.getTime() }
  return served.from < served.until ? served : null
}

/** The history may not know yet that another version was deployed since. */
const endedBy = (served: ServedBefore, deployedAt: number | null): ServedBefore =>
  deployedAt !== null && deployedAt > served.from && deployedAt < served.until
    ? { ...served, until: deployedAt }
    : served
