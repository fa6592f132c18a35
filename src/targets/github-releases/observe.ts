import type { Health, Observation } from '../../model/observation.ts'
import { fingerprint } from '../../support/canonical.ts'
import { oneLine } from '../../support/text.ts'
import type { Observed } from '../target.ts'
import { tryAssets } from './assets.ts'
import { fits } from './config.ts'
import type { GitHubContext } from './context.ts'
import { digestsOf, releaseOf, releasesOf } from './releases.ts'
import type { GitHubRelease } from './shapes.ts'

const maxAssets = 12

export interface GitHubState {
  latest: GitHubRelease | null
  /** The newest releases, drafts and prereleases among them. */
  releases: GitHubRelease[]
  /** Commits by tag, as far as they were read. */
  commits: Map<string, string>
}

/** What GitHub says, now. @throws TargetError when it cannot be asked. */
export async function observe(context: GitHubContext, signal: AbortSignal): Promise<Observed<GitHubState>> {
  const { github, settings, history } = context
  const { repository } = await github.repository(signal)
  const [latest, { items: all, more }, tags] = await Promise.all([
    github.latest(signal),
    github.releases(signal),
    github.tags(signal)
  ])
  const commit = latest && (tags.commits.get(latest.tag_name) ?? (await github.commitOfTag(latest.tag_name, signal)))
  if (latest && commit) tags.commits.set(latest.tag_name, commit)
  const before = all.find((one) => one.id !== latest?.id && !one.draft && !one.prerelease && one.assets.length > 0)
  const contents = latest && { commit: commit ?? null, assets: digestsOf(latest.assets) }
  const observation: Observation = {
    current: latest && releaseOf(latest, tags),
    health: await healthOf(context, latest, commit ?? null, before, signal),
    releases: releasesOf(all, latest, tags, history, !more),
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
      ...(more ? [`Only the newest ${all.length} releases of the repository were read.`] : [])
    ]
  }
  return { observation, state: { latest, releases: all, commits: tags.commits } }
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
