import type { Diagnosis, TimelineEvent } from '../../model/diagnosis.ts'
import { orElse } from '../../support/errors.ts'
import { oneLine, quoted } from '../../support/text.ts'
import type { GitHub } from './api.ts'
import { tryAssets } from './assets.ts'
import type { GitHubContext } from './context.ts'
import { seriesOf } from './names.ts'
import { headOf } from './series.ts'
import type { GitHubSettings } from './settings.ts'
import type { GitHubRelease } from './shapes.ts'

const maxAssets = 30
const maxCommits = 15

/** What GitHub knows of why the latest release fails: its assets, who published it, the workflows of its commit, the changes. */
export async function diagnose({ github, settings }: GitHubContext, signal: AbortSignal): Promise<Diagnosis> {
  const { items: all } = await github.releases(signal)
  const { release: latest } = await headOf(github, settings.series, signal, all)
  if (!latest) return { findings: ['GitHub has no full release'], events: [], evidence: [] }
  const before = releaseBefore(latest, all)
  const downloads = await tryAssets(github, latest.assets, { verify: true, most: maxAssets }, signal)
  const commit = await optional(signal, github.commitOfTag(latest.tag_name, signal))
  const [runs, changes] = await Promise.all([
    commit ? optional(signal, runsOf(github, commit, signal)) : null,
    commit && before ? optional(signal, changesOf(github, before, commit, signal)) : null
  ])
  return {
    findings: [
      ...downloads.gone,
      ...(commit ? [] : [`the tag ${latest.tag_name} points at no commit`]),
      ...(before ? differences(before, latest) : []),
      ...(runs?.findings ?? []),
      publication(latest),
      ...(changes ? [changes.finding] : [])
    ].map((line) => oneLine(line, 240)),
    events: [...[before, latest].flatMap((one) => (one ? eventOf(settings, one) : [])), ...(runs?.events ?? [])],
    evidence: changes ? [changes.evidence] : []
  }
}

/** What is missing or may not be read does not keep the rest from being reported. */
const optional = <T>(signal: AbortSignal, asked: Promise<T>): Promise<T | null> => orElse(signal, asked, () => null)

const releaseBefore = (latest: GitHubRelease, all: readonly GitHubRelease[]): GitHubRelease | undefined =>
  all
    .filter(
      (one) =>
        !one.draft &&
        !one.prerelease &&
        seriesOf(one.tag_name) === seriesOf(latest.tag_name) &&
        (one.published_at ?? '') < (latest.published_at ?? '')
    )
    .sort((a, b) => (b.published_at ?? '').localeCompare(a.published_at ?? ''))[0]

function differences(before: GitHubRelease, latest: GitHubRelease): string[] {
  const now = new Set(latest.assets.map(({ name }) => generic(name, latest.tag_name)))
  const lost = before.assets.map(({ name }) => generic(name, before.tag_name)).filter((name) => !now.has(name))
  return lost.length > 0 ? [`${latest.tag_name} has no ${lost.join(', ')}, which ${before.tag_name} has`] : []
}

/** Names of assets often hold the version. */
const generic = (name: string, tag: string): string => name.replaceAll(tag.replace(/^.*?v?(?=\d)/, ''), '<version>')

const publication = ({ tag_name: tag, published_at: at, author }: GitHubRelease): string =>
  `${tag} was published ${at ? `at ${at}` : 'at an unknown time'}${author ? ` by ${author.login}` : ''}`

function eventOf({ web, owner, name }: GitHubSettings, release: GitHubRelease): TimelineEvent[] {
  if (!release.published_at || Number.isNaN(Date.parse(release.published_at))) return []
  return [
    {
      at: new Date(release.published_at).toISOString(),
      text: oneLine(`${publication(release).replace(/ at \S+/, '')} in ${owner}/${name}`),
      source: `GitHub ${new URL(web).host}`
    }
  ]
}

async function runsOf(
  github: GitHub,
  commit: string,
  signal: AbortSignal
): Promise<Pick<Diagnosis, 'findings' | 'events'>> {
  const ended = (await github.runs(commit, signal)).filter(({ conclusion }) => conclusion)
  const failed = ended.filter(({ conclusion }) => /^(failure|timed_out|startup_failure)$/.test(conclusion ?? ''))
  return {
    findings: failed.map(
      ({ name, conclusion, html_url: url }) => `the workflow ${name ?? ''} of its commit ended in ${conclusion}: ${url}`
    ),
    events: ended
      .filter(({ updated_at: at }) => !Number.isNaN(Date.parse(at)))
      .slice(0, 20)
      .map(({ name, conclusion, updated_at: at }) => ({
        at: new Date(at).toISOString(),
        text: oneLine(`the workflow ${name ?? ''} of its commit ended: ${conclusion}`),
        source: 'GitHub Actions'
      }))
  }
}

async function changesOf(github: GitHub, before: GitHubRelease, commit: string, signal: AbortSignal) {
  const base = await github.commitOfTag(before.tag_name, signal)
  if (!base) return null
  const { total_commits: total, commits } = await github.comparison(base, commit, signal)
  const lines = commits
    .slice(-maxCommits)
    .reverse()
    .map(({ sha, commit: { message, author } }) =>
      oneLine(`${sha.slice(0, 10)} ${quoted(message.split('\n')[0] ?? '', 100)} (${author?.name ?? 'unknown'})`, 160)
    )
  return {
    finding: `${total} ${total === 1 ? 'commit' : 'commits'} since ${before.tag_name}`,
    evidence: {
      title: `Commits since ${oneLine(before.tag_name, 60)}, newest first`,
      source: 'GitHub',
      text: lines.join('\n')
    }
  }
}
