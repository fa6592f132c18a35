import type { Health, Observation } from '../../model/observation.ts'
import { fingerprint } from '../../support/canonical.ts'
import { oneLine } from '../../support/text.ts'
import type { Observed } from '../target.ts'
import { tryAssets } from './assets.ts'
import { fits } from './config.ts'
import type { GitHubContext } from './context.ts'
import { seriesName } from './names.ts'
import { digestsOf, releaseOf, releasesOf } from './releases.ts'
import { headOf } from './series.ts'
import type { GitHubRelease } from './shapes.ts'

const maxAssets = 12

export interface GitHubState {
  /** What users of the series get. */
  latest: GitHubRelease | null
  /** GitHub marks it as the latest of the repository; it marks one of another series where false. */
  marked: boolean
  /** The newest releases of the series, drafts and prereleases among them. */
  releases: GitHubRelease[]
  /** Commits by tag, as far as they were read. */
  commits: Map<string, string>
}

/** What GitHub says, now. @throws TargetError when it cannot be asked. */
export async function observe(context: GitHubContext, signal: AbortSignal): Promise<Observed<GitHubState>> {
  const { github, settings, history } = context
  const { repository } = await github.repository(signal)
  const [{ items, more }, tags] = await Promise.all([github.releases(signal), github.tags(signal)])
  const { release: latest, marked } = await headOf(github, settings.series, signal, items)
  const series = settings.series ?? (latest && seriesName(latest.tag_name))
  const all = series === null ? items : items.filter((one) => seriesName(one.tag_name) === series)
  const commit = latest && (tags.commits.get(latest.tag_name) ?? (await github.commitOfTag(latest.tag_name, signal)))
  if (latest && commit) tags.commits.set(latest.tag_name, commit)
  const before = all.find((one) => one.id !== latest?.id && !one.draft && !one.prerelease && one.assets.length > 0)
  const contents = latest && { commit: commit ?? null, assets: digestsOf(latest.assets) }
  const observation: Observation = {
    current: latest && releaseOf(latest, tags),
    health: await healthOf(context, latest, commit ?? null, before, signal),
    releases: releasesOf(
      all,
      latest,
      tags,
      history.filter(({ version }) => isOf(series, version)),
      !more
    ),
    risks: [],
    blockers: [],
    fingerprint: fingerprint({
      repository: github.name,
      api: github.api,
      latest: latest && { id: latest.id, tag: latest.tag_name, ...contents }
    }),
    ...(contents && { snapshot: contents }),
    notes: [
      ...settings.notes,
      ...(repository.full_name.toLowerCase() === github.name.toLowerCase()
        ? []
        : [`The repository is now called ${oneLine(repository.full_name, 140)}.`]),
      ...seriesNotes(items, series, marked),
      ...(more ? [`Only the newest ${items.length} releases of the repository were read.`] : [])
    ]
  }
  return { observation, state: { latest, marked, releases: all, commits: tags.commits } }
}

/** A record may name the version alone. */
const isOf = (series: string | null, version: string): boolean =>
  series === null || ['', series].includes(seriesName(version))

function seriesNotes(all: readonly GitHubRelease[], series: string | null, marked: boolean): string[] {
  const others = [...new Set(all.map((one) => seriesName(one.tag_name)))].filter((one) => one !== series).slice(0, 10)
  const shown = (one: string): string => (one === '' ? 'without a name' : oneLine(one, 60))
  return [
    ...(series !== null && others.length > 0
      ? [
          `The repository has several series of releases. This is about ${shown(series)}; set \`series\` for another: ${others.map(shown).join(', ')}.`
        ]
      : []),
    ...(marked ? [] : ['GitHub marks a release of another series as the latest; that mark is left where it is.'])
  ]
}

/** GitHub knows whether the latest release can be downloaded, not whether its code works. */
async function healthOf(
  { github, settings: { expected } }: GitHubContext,
  latest: GitHubRelease | null,
  commit: string | null,
  before: GitHubRelease | undefined,
  signal: AbortSignal
): Promise<Health> {
  if (!latest) return { state: 'down', message: 'there is no full release: users who ask for the latest get nothing' }
  const version = oneLine(latest.tag_name)
  if (!commit) return { state: 'degraded', message: `the tag of ${version} is gone: its source cannot be downloaded` }
  const missing = expected.filter((pattern) => !latest.assets.some(({ name }) => fits(pattern, name)))
  if (missing.length > 0) return { state: 'degraded', message: `${version} has no ${missing.join(', ')}` }
  if (latest.assets.length === 0 && before)
    return { state: 'degraded', message: `${version} has no assets; ${oneLine(before.tag_name)} has some` }
  const { gone, unknown, tried } = await tryAssets(github, latest.assets, { verify: false, most: maxAssets }, signal)
  if (gone.length > 0)
    return { state: gone.length === tried ? 'down' : 'degraded', message: `${version}: ${oneLine(gone.join('; '))}` }
  if (unknown.length > 0) return { state: 'unknown', message: `${version}: ${oneLine(unknown.join('; '))}` }
  return {
    state: 'healthy',
    message: `${version} can be downloaded; GitHub cannot show whether its code works`
  }
}
