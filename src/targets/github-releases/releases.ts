import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release, Served } from '../../model/release.ts'
import { oneLine } from '../../support/text.ts'
import { tagPattern } from './names.ts'
import type { Asset, GitHubRelease } from './shapes.ts'
import { isWarned } from './warning.ts'

export interface KnownTags {
  commits: Map<string, string>
  /** There are more tags than were read. */
  more: boolean
}

/** One release as GitHub has it. */
export function releaseOf(release: GitHubRelease, tags: KnownTags): Release {
  const { id, tag_name: tag, draft, prerelease, published_at: at, author, assets, immutable } = release
  const commit = tags.commits.get(tag)
  return {
    version: oneLine(tag),
    id: String(id),
    createdAt: instant(at ?? release.created_at),
    ...(commit && { commit }),
    available: availability(release, commit, tags.more),
    ...((draft || prerelease) && { prerelease: true }),
    ...(isWarned(release.body) && { against: ['its notes say that it was rolled back'] }),
    notes: [
      `${assets.length} ${assets.length === 1 ? 'asset' : 'assets'}${author ? `, published by ${oneLine(author.login, 40)}` : ''}`,
      ...(immutable ? ['immutable: its tag and assets cannot have changed'] : [])
    ],
    details: { commit: commit ?? null, assets: digestsOf(assets) }
  }
}

/** Names of assets with what identifies their content, as far as GitHub records it. */
export const digestsOf = (assets: readonly Asset[]): Record<string, string> =>
  Object.fromEntries(
    [...assets]
      .sort((a, b) => a.name.localeCompare(b.name))
      .map(({ name, digest, size, id }) => [name, digest ?? `${size} bytes, asset ${id}`])
  )

function availability(
  { tag_name: tag, draft, prerelease, assets }: GitHubRelease,
  commit: string | undefined,
  moreTags: boolean
): Release['available'] {
  const no = (reason: string): Release['available'] => ({ state: 'no', reason })
  if (!tagPattern.test(tag)) return no('its tag has characters that are not safe in commands and addresses')
  if (draft && !commit && !moreTags)
    return no('a draft without a tag: that is what GitHub makes of a release whose tag is deleted')
  if (draft) return no('a draft cannot be downloaded')
  if (prerelease) return no('a prerelease: only a full release can be the latest')
  if (!commit && !moreTags) return no('its tag is gone')
  const broken = assets.filter(({ state }) => state !== 'uploaded').map(({ name }) => oneLine(name, 60))
  if (broken.length > 0) return no(`upload never finished: ${broken.join(', ')}`)
  return { state: 'yes' }
}

/**
 * Every release but the latest, with when it served as far as the times of publishing tell, and the versions that were recorded as
 * deployed and are no longer there.
 */
export function releasesOf(
  all: readonly GitHubRelease[],
  current: GitHubRelease | null,
  tags: KnownTags,
  history: readonly DeploymentRecord[],
  complete: boolean
): Release[] {
  const others = all.filter(({ id }) => id !== current?.id)
  const served = servedPeriods(all, current)
  const present = others.map((one) => {
    const release = releaseOf(one, tags)
    const period = served.get(one.id)
    const against = [...(release.against ?? []), ...againstOf(one, current)]
    return { ...release, ...(period && { served: period }), ...(against.length > 0 && { against }) }
  })
  const there = new Set(all.map(({ tag_name: tag }) => tag))
  const gone = [...new Set(history.map(({ version }) => version))].filter(
    (version) => tagPattern.test(version) && !there.has(version) && !there.has(`v${version}`)
  )
  return [...present, ...(complete ? gone.map((version) => deleted(version, tags)) : [])]
}

const deleted = (version: string, { commits }: KnownTags): Release => ({
  version,
  id: `deleted:${version}`,
  available: {
    state: 'no',
    reason: commits.has(version)
      ? 'deleted: deploy.json records it, but GitHub has only its tag left'
      : 'deleted: deploy.json records it, but GitHub has no such release'
  }
})

function againstOf(one: GitHubRelease, current: GitHubRelease | null): string[] {
  if (!current || one.draft || one.prerelease) return []
  if (one.published_at && current.published_at && one.published_at > current.published_at)
    return [
      `published after ${oneLine(current.tag_name, 60)}, which is the latest: rolled back from, or never meant to be the latest`
    ]
  return []
}

/**
 * GitHub keeps no history of what was the latest. What served is inferred: publishing a full release makes it the latest unless its
 * author says otherwise, so each one served until the next one was published. All are of one series.
 */
function servedPeriods(all: readonly GitHubRelease[], current: GitHubRelease | null): Map<number, Served> {
  const published = all
    .filter(
      (one) =>
        !one.draft &&
        !one.prerelease &&
        one.published_at &&
        (!current?.published_at || one.published_at <= current.published_at)
    )
    .sort((a, b) => (a.published_at ?? '').localeCompare(b.published_at ?? ''))
  const periods = new Map<number, Served>()
  for (const [index, { id, published_at: from }] of published.entries()) {
    const next = published[index + 1]
    const until = next?.published_at
    if (!from || !until || id === current?.id) continue
    periods.set(id, {
      from: instant(from),
      until: instant(until),
      forMs: Date.parse(until) - Date.parse(from),
      source: `inferred: published as a full release, then superseded by ${oneLine(next.tag_name, 60)}; times are GitHub's`
    })
  }
  return periods
}

/** GitHub's times have no milliseconds. */
const instant = (text: string): string => (Number.isNaN(Date.parse(text)) ? text : new Date(text).toISOString())
