import type { Release } from '../../model/release.ts'
import { InputError } from '../../support/errors.ts'
import type { Found } from '../assess/assess.ts'
import { named } from '../assess/assess.ts'
import type { Candidate } from '../assess/assessment.ts'
import { isRecommendable } from '../assess/candidates.ts'
import type { GroupTarget, OpenGroup } from './open-group.ts'
import { type Period, periodsOf, ranTogether, ranTogetherLast } from './ran-together.ts'
import { bareVersion, type Mark, markOf, recordedMark, sameRelease } from './same-release.ts'
import type { GroupVersion } from './versions.ts'

/** What each target of a group goes back to, before anything is planned. */
export interface Choice {
  /** The candidate of each target that goes back; null where it has none, or did not answer. */
  members: Map<string, Candidate | null>
  /** Why each of the others stays. */
  staying: Map<string, string>
  periods: Map<string, Period[]>
  ranTogetherUntil: string | null
  /** The versions are of one earlier release by their name, although no source tells that they served together. */
  sameName: boolean
}

type AllFound = ReadonlyMap<string, Found>

/**
 * Chooses for each target of the failed release the version that it served when all of them last served well together; where no such
 * moment is known, each one's own recommended version. A target that was not part of the failed release stays.
 * @throws InputError for a version that no target has.
 */
export function chooseReleases(group: OpenGroup, found: AllFound, wanted: GroupVersion | null, now: string): Choice {
  const periods = new Map(
    group.targets.map(({ name, history }) => {
      const { current, observation } = found.get(name) ?? {}
      const releases = [...(current ? [current] : []), ...(observation?.releases ?? [])]
      return [name, periodsOf(releases, history, now)] as const
    })
  )
  const { members, staying } =
    wanted && 'each' in wanted ? namedTargets(group, found, wanted.each) : parted(group, found)
  const chosen =
    wanted && 'each' in wanted
      ? eachNamed(members, found, wanted.each)
      : earlierRelease(members, found, periods, wanted?.all ?? null)
  const releases = releasesOf(chosen)
  return {
    members: chosen,
    staying,
    periods,
    ranTogetherUntil: releases.size === 0 ? null : (ranTogether(only(periods, releases), releases)?.until ?? null),
    sameName: new Set([...releases.values()].map(({ version }) => bareVersion(version))).size <= 1
  }
}

interface Parted {
  members: string[]
  staying: Map<string, string>
}

const releasesOf = (chosen: ReadonlyMap<string, Candidate | null>): Map<string, Release> =>
  new Map([...chosen].flatMap(([name, candidate]) => (candidate ? [[name, candidate.release]] : [])))

const only = <Value>(all: ReadonlyMap<string, Value>, kept: ReadonlyMap<string, unknown>): Map<string, Value> =>
  new Map([...all].filter(([name]) => kept.has(name)))

/** The targets whose versions the call names; one that serves its version already stays. */
function namedTargets({ targets }: OpenGroup, found: AllFound, versions: ReadonlyMap<string, string>): Parted {
  const members: string[] = []
  const staying = new Map<string, string>()
  for (const { name } of targets) {
    const version = versions.get(name)
    const current = found.get(name)?.current
    if (version === undefined) staying.set(name, 'no version was named for it')
    else if (current && (current.version === version || current.id === version))
      staying.set(name, `it serves ${version} already`)
    else members.push(name)
  }
  return { members, staying }
}

function eachNamed(
  members: readonly string[],
  found: AllFound,
  versions: ReadonlyMap<string, string>
): Map<string, Candidate | null> {
  return new Map(
    members.map((name) => {
      const one = found.get(name)
      const candidate =
        one && !one.interrupted ? named(name, versions.get(name) ?? '', one.candidates, one.observation) : null
      return [name, candidate] as const
    })
  )
}

/** Which targets are of the failed release, and which are not. */
function parted(group: OpenGroup, found: AllFound): Parted {
  const marks = new Map(group.targets.flatMap((target) => [[target.name, markIn(target, found)] as const]))
  const release = releaseOfFailure(group, found, marks)
  const members: string[] = []
  const staying = new Map<string, string>()
  for (const { name } of group.targets) {
    const { failed = false, interrupted = null, current = null } = found.get(name) ?? {}
    if (release.has(name) || interrupted || (group.listed && (failed || !found.has(name)))) members.push(name)
    else staying.set(name, whyStays(found.has(name), current, failed))
  }
  return { members, staying }
}

function whyStays(seen: boolean, current: Release | null, failed: boolean): string {
  if (!seen) return 'it did not answer, and deploy.json does not record it with this release'
  if (!current) return 'nothing serves there'
  return failed
    ? `${current.version} has failed there, too, but is not of this release: assess it alone`
    : `${current.version} is not of this release`
}

function markIn({ name, history }: GroupTarget, found: AllFound): Mark | null {
  const current = found.get(name)?.current
  return current ? markOf(current, history) : recordedMark(history)
}

/** The targets that were deployed with the failed one, directly or over another; without a failed one, with the newest deployment. */
function releaseOfFailure(
  { targets }: OpenGroup,
  found: AllFound,
  marks: ReadonlyMap<string, Mark | null>
): Set<string> {
  const marked = targets.flatMap(({ name }) => {
    const mark = marks.get(name)
    return mark ? [{ name, mark, failed: found.get(name)?.failed ?? false }] : []
  })
  const newest = (all: typeof marked) => [...all].sort((a, b) => ((a.mark.at ?? '') < (b.mark.at ?? '') ? 1 : -1))[0]
  const first = newest(marked.filter(({ failed }) => failed)) ?? newest(marked)
  const release = new Set(first ? [first.name] : [])
  const reached = first ? [first] : []
  for (let next = reached.shift(); next; next = reached.shift())
    for (const other of marked) {
      if (release.has(other.name) || !sameRelease(next.mark, other.mark)) continue
      release.add(other.name)
      reached.push(other)
    }
  return release
}

/** The versions that served together last; with a version named, when a target served that one. */
function earlierRelease(
  members: readonly string[],
  found: AllFound,
  periods: ReadonlyMap<string, readonly Period[]>,
  version: string | null
): Map<string, Candidate | null> {
  const usable = members.flatMap((name) => {
    const one = found.get(name)
    const good = one && !one.interrupted ? one.candidates.filter((each) => isRecommendable(one.current, each)) : []
    return one && good.length > 0 ? [{ name, one, good }] : []
  })
  const isNamed = (text: string): boolean => version === null || bareVersion(text) === bareVersion(version)
  const together = ranTogetherLast(
    new Map(
      usable.map(({ name, good }) => {
        const hasNamed = good.some(({ release }) => isNamed(release.version))
        const ids = new Set(
          good.filter(({ release }) => !hasNamed || isNamed(release.version)).map((c) => c.release.id)
        )
        return [name, (periods.get(name) ?? []).filter(({ release }) => ids.has(release.id))] as const
      })
    )
  )
  const chosen = members.map((name) => {
    const one = found.get(name)
    const good = usable.find((each) => each.name === name)?.good ?? []
    const release = together?.releases.get(name)
    const byName = version === null || !one ? null : one.candidates.find((each) => isNamed(each.release.version))
    const own = byName ?? one?.recommended ?? null
    return [name, good.find((each) => each.release.id === release?.id) ?? (one?.interrupted ? null : own)] as const
  })
  if (version !== null && !chosen.some(([, candidate]) => candidate && isNamed(candidate.release.version)))
    throw unknownVersion(version, chosen)
  return new Map(chosen)
}

const unknownVersion = (version: string, chosen: readonly (readonly [string, Candidate | null])[]): InputError =>
  new InputError({
    what: `No target has a version ${version}`,
    why: `last good: ${chosen.map(([name, candidate]) => `${name} ${candidate?.release.version ?? 'none'}`).join(', ')}`,
    next: 'Name one of these, or omit the version to take those that served together last.',
    code: 'unknown_version'
  })
