import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release } from '../../model/release.ts'
import { sameDigest, servingPeriods } from '../assess/evidence.ts'

/** A time during which a release of one target served, as deploy.json or the target tells. */
export interface Period {
  release: Release
  from: string
  until: string
}

const mostPeriods = 100

/** When each of the releases served, newest first. A period without a known beginning or end is none. */
export function periodsOf(releases: readonly Release[], history: readonly DeploymentRecord[], now: string): Period[] {
  const recorded = servingPeriods(history, now).flatMap(({ version, digest, from, until }) => {
    const release = releases.find((one) => one.version === version && sameDigest(digest, one))
    return release ? [{ release, from, until }] : []
  })
  const shown = releases.flatMap((release) => {
    const { from, until } = release.served ?? {}
    return from && until ? [{ release, from, until }] : []
  })
  return [...recorded, ...shown].sort((a, b) => (a.until < b.until ? 1 : -1)).slice(0, mostPeriods)
}

/** Releases of several targets that served at the same time, until `until`. */
export interface Together {
  releases: Map<string, Release>
  from: string
  until: string
}

/**
 * The releases that served together last, one of each target; null where no moment is known at which all of them served. Where two
 * sources tell of one moment, the period that ends last counts.
 */
export function ranTogetherLast(periods: ReadonlyMap<string, readonly Period[]>): Together | null {
  const ends = [...new Set([...periods.values()].flat().map(({ until }) => until))].sort().reverse()
  for (const until of ends) {
    const serving = [...periods].flatMap(([target, own]) => {
      const period = own.find((one) => one.from < until && until <= one.until)
      return period ? [{ target, ...period }] : []
    })
    if (serving.length < periods.size) continue
    const from = serving.reduce((latest, one) => (one.from > latest ? one.from : latest), '')
    return { releases: new Map(serving.map(({ target, release }) => [target, release])), from, until }
  }
  return null
}

/** When these releases last served together, as far as known; null where they are not known to have. */
export function ranTogether(
  periods: ReadonlyMap<string, readonly Period[]>,
  releases: ReadonlyMap<string, Pick<Release, 'id'>>
): Together | null {
  const own = [...releases].map(
    ([target, { id }]) => [target, (periods.get(target) ?? []).filter(({ release }) => release.id === id)] as const
  )
  return ranTogetherLast(new Map(own))
}
