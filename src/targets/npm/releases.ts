import semver from 'semver'
import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release, Served } from '../../model/release.ts'
import { oneLine, quoted } from '../../support/text.ts'
import { deprecationOf, digestOf, type Manifest, type Packument, publishedAt } from './packument.ts'

/** One published version as a release. */
export function releaseOf(packument: Packument, version: string): Release {
  const manifest = packument.versions[version]
  const createdAt = publishedAt(packument, version)
  if (!manifest) return unpublished(version, createdAt)
  const deprecation = deprecationOf(manifest)
  const tags = Object.entries(packument['dist-tags']).filter(([, tagged]) => tagged === version)
  return {
    version,
    id: digestOf(manifest) ?? version,
    ...(createdAt && { createdAt }),
    ...(manifest.gitHead && /^[0-9a-f]{7,64}$/i.test(manifest.gitHead) && { commit: manifest.gitHead }),
    available: { state: 'yes' },
    ...(semver.prerelease(version) && { prerelease: true }),
    ...(deprecation && { against: [`deprecated: ${quoted(deprecation, 160)}`] }),
    ...(tags.length > 0 && { notes: [`tagged ${tags.map(([tag]) => oneLine(tag, 40)).join(', ')}`] }),
    details: detailsOf(manifest)
  }
}

const detailsOf = (manifest: Manifest) => ({
  tarball: manifest.dist?.tarball ?? null,
  integrity: manifest.dist?.integrity ?? null,
  shasum: manifest.dist?.shasum ?? null
})

const unpublished = (version: string, createdAt: string | undefined): Release => ({
  version,
  id: version,
  ...(createdAt && { createdAt }),
  available: {
    state: 'no',
    reason: 'unpublished: the registry no longer has this version, and accepts no version twice'
  },
  ...(semver.prerelease(version) && { prerelease: true })
})

/**
 * Every version but the current one, with when it served as far as the times of publishing tell. Versions that the registry once
 * had, or that were `recorded` as deployed, and that it has no longer, are among them.
 */
export function releasesOf(
  packument: Packument,
  tag: string,
  current: string | undefined,
  recorded: readonly string[] = []
): Release[] {
  const gone = [...Object.keys(packument.time), ...recorded].filter((key) => !packument.versions[key])
  const versions = [...new Set([...Object.keys(packument.versions), ...gone])].filter(
    (version) => version !== current && semver.valid(version) === version
  )
  const line = lineOf(tag, current)
  const served = servedPeriods(packument, versions.filter(line), current)
  const currentAt = current && publishedAt(packument, current)
  return versions.map((version) => {
    const release = releaseOf(packument, version)
    const period = served.get(version)
    const laterThanCurrent = Boolean(currentAt && release.createdAt && release.createdAt > currentAt && line(version))
    const against = [
      ...(release.against ?? []),
      ...(laterThanCurrent
        ? [`published after ${current}, which ${tag} points at: rolled back from, or published under another tag`]
        : [])
    ]
    return {
      ...release,
      ...(period && { served: period }),
      ...(against.length > 0 && { against }),
      details: { ...release.details, instead_of: current ?? null }
    }
  })
}

/** Which versions a tag goes through: `latest` through stable ones, another tag through those of its current version's own line. */
function lineOf(tag: string, current: string | undefined): (version: string) => boolean {
  const own = current ? semver.prerelease(current) : null
  if (tag === 'latest' || !current) return (version) => semver.prerelease(version) === null
  if (own) return (version) => semver.prerelease(version)?.[0] === own[0]
  return (version) => semver.prerelease(version) === null && semver.major(version) === semver.major(current)
}

/**
 * A registry keeps no history of its tags. What served is inferred: publishing moves the tag, so a version that was the newest
 * of its line when it was published served until the next such one, or the current one, was published.
 */
function servedPeriods(
  packument: Packument,
  versions: readonly string[],
  current: string | undefined
): Map<string, Served> {
  if (!tellsTimes(packument)) return servedByOrder(versions, current)
  const end = current && publishedAt(packument, current)
  const published = versions
    .map((version) => ({ version, at: publishedAt(packument, version) }))
    .filter((one): one is { version: string; at: string } => one.at !== undefined && (!end || one.at <= end))
    .sort((a, b) => a.at.localeCompare(b.at) || semver.compare(a.version, b.version))
  const newest: { version: string; at: string }[] = []
  for (const one of published) {
    const before = newest.at(-1)
    if (!before || semver.gt(one.version, before.version)) newest.push(one)
  }
  const periods = new Map<string, Served>()
  for (const [index, { version, at }] of newest.entries()) {
    const next = newest[index + 1] ?? (current && end ? { version: current, at: end } : undefined)
    periods.set(version, {
      from: at,
      ...(next && { until: next.at, forMs: Date.parse(next.at) - Date.parse(at) }),
      source: next
        ? `inferred: published as the newest, then superseded by ${next.version}; publishing times are the registry’s`
        : 'inferred: published as the newest; the publishing time is the registry’s'
    })
  }
  return periods
}

/** GitHub Packages and GitLab leave the times of publishing out. */
export const tellsTimes = (packument: Packument): boolean =>
  Object.keys(packument.versions).some((version) => publishedAt(packument, version) !== undefined)

/** What is left without times: a lower version of the line was replaced by the next higher one. */
function servedByOrder(versions: readonly string[], current: string | undefined): Map<string, Served> {
  const lower = versions.filter((version) => current !== undefined && semver.lt(version, current)).sort(semver.compare)
  return new Map(
    lower.map((version, index) => [
      version,
      {
        source: `inferred: superseded by ${lower[index + 1] ?? current} in the order of versions; the registry tells no times of publishing`
      }
    ])
  )
}

/** The digest that the history recorded for a version when it was deployed well, newest first. */
export const recordedDigest = (history: readonly DeploymentRecord[], version: string): string | undefined =>
  history.find((record) => record.version === version && record.digest && /^sha\d+[-:]/.test(record.digest))?.digest
