import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Health, Observation } from '../../model/observation.ts'
import { fingerprint } from '../../support/canonical.ts'
import { oneLine } from '../../support/text.ts'
import type { GitHub } from './api.ts'
import { tryAssets } from './assets.ts'
import { fits } from './config.ts'
import { digestsOf, releaseOf, releasesOf } from './releases.ts'
import type { GitHubSettings } from './settings.ts'
import type { GitHubRelease } from './shapes.ts'

const mostAssets = 12

/** What GitHub says, now. @throws TargetError when it cannot be asked. */
export async function observe(
  github: GitHub,
  settings: GitHubSettings,
  history: readonly DeploymentRecord[],
  signal: AbortSignal
): Promise<Observation> {
  const { repository } = await github.repository(signal)
  const [latest, { items: all, more }, tags] = await Promise.all([
    github.latest(signal),
    github.releases(signal),
    github.tags(signal)
  ])
  const commit = latest && (tags.commits.get(latest.tag_name) ?? (await github.commitOfTag(latest.tag_name, signal)))
  if (latest && commit) tags.commits.set(latest.tag_name, commit)
  const before = all.find((one) => one.id !== latest?.id && !one.draft && !one.prerelease && one.assets.length > 0)
  return {
    current: latest && releaseOf(latest, tags),
    health: await healthOf(github, settings, latest, commit ?? null, before, signal),
    releases: releasesOf(all, latest, tags, history, !more),
    risks: [],
    blockers: [],
    fingerprint: fingerprint({
      repository: github.name,
      api: settings.api,
      latest: latest && {
        id: latest.id,
        tag: latest.tag_name,
        commit: commit ?? null,
        assets: digestsOf(latest.assets)
      }
    }),
    ...(latest && { snapshot: { commit: commit ?? null, assets: digestsOf(latest.assets) } }),
    notes: [
      ...settings.notes,
      ...(repository.full_name.toLowerCase() === github.name.toLowerCase()
        ? []
        : [`The repository is now called ${oneLine(repository.full_name, 140)}.`]),
      ...(more ? [`The repository has more releases than were read; the newest ${all.length} are looked at.`] : [])
    ]
  }
}

/** GitHub knows whether the latest release can be downloaded, not whether its code works. */
async function healthOf(
  github: GitHub,
  { expected }: GitHubSettings,
  latest: GitHubRelease | null,
  commit: string | null,
  before: GitHubRelease | undefined,
  signal: AbortSignal
): Promise<Health> {
  if (!latest) return { state: 'down', message: 'no full release: whoever asks for the latest gets nothing' }
  const version = oneLine(latest.tag_name)
  if (!commit) return { state: 'degraded', message: `the tag of ${version} is gone: its source cannot be had` }
  const missing = expected.filter((pattern) => !latest.assets.some(({ name }) => fits(pattern, name)))
  if (missing.length > 0) return { state: 'degraded', message: `${version} has no ${missing.join(', ')}` }
  if (latest.assets.length === 0 && before)
    return { state: 'degraded', message: `${version} has no assets; ${oneLine(before.tag_name)} has some` }
  const { gone, unknown, tried } = await tryAssets(github, latest.assets, { verify: false, most: mostAssets }, signal)
  if (gone.length > 0)
    return { state: gone.length === tried ? 'down' : 'degraded', message: `${version}: ${oneLine(gone.join('; '))}` }
  if (unknown.length > 0) return { state: 'unknown', message: `${version}: ${oneLine(unknown.join('; '))}` }
  return {
    state: 'healthy',
    message: `${version} can be downloaded; whether its code works is not seen from GitHub`
  }
}
