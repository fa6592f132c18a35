import type { GitHub } from './api.ts'
import { seriesName } from './names.ts'
import type { GitHubRelease } from './shapes.ts'

/** What users of a series get. */
export interface Head {
  release: GitHubRelease | null
  /** GitHub marks one release of a repository as the latest. Of another series, the newest full release is taken. */
  marked: boolean
}

/** @param series null for that of the latest release. */
export async function headOf(
  github: GitHub,
  series: string | null,
  signal: AbortSignal,
  known?: readonly GitHubRelease[]
): Promise<Head> {
  const latest = await github.latest(signal)
  if (series === null || !latest || seriesName(latest.tag_name) === series) return { release: latest, marked: true }
  const all = known ?? (await github.releases(signal)).items
  return { release: fullReleases(all, series)[0] ?? null, marked: false }
}

/** Full releases of a series, the newest first. */
export const fullReleases = (all: readonly GitHubRelease[], series: string): GitHubRelease[] =>
  all
    .filter((one) => !one.draft && !one.prerelease && one.published_at && seriesName(one.tag_name) === series)
    .sort((a, b) => (b.published_at ?? '').localeCompare(a.published_at ?? ''))
