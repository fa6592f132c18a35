import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Blocker, Observation, Risk } from '../../model/observation.ts'
import { blockedBy, noPlan, type Objections, type PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import { fingerprint } from '../../support/canonical.ts'
import { oneLine } from '../../support/text.ts'
import { notRepaired } from './aftermath.ts'
import type { GitHub } from './api.ts'
import { tryAssets } from './assets.ts'
import { fits } from './config.ts'
import type { GitHubContext } from './context.ts'
import { leftAlone, markFailed, markFailedParams, withdraw } from './mark-failed.ts'
import { markLatest } from './mark-latest.ts'
import { named } from './named-release.ts'
import { seriesName } from './names.ts'
import type { GitHubState } from './observe.ts'
import { digestsOf } from './releases.ts'
import { rightsOf } from './rights.ts'
import { fullReleases } from './series.ts'
import type { GitHubSettings } from './settings.ts'
import type { GitHubRelease } from './shapes.ts'

const maxAssets = 60

/** The steps from the latest release to a candidate, with every precondition checked. */
export async function plan(
  context: GitHubContext,
  { current }: Observation,
  state: GitHubState,
  release: Release,
  signal: AbortSignal
): Promise<PlanDraft> {
  const { github, settings } = context
  const candidate = await releaseWith(release.id, github, state, signal)
  const failed = current && state.latest
  if (!candidate) return noPlan(deleted(release))
  const { tag_name: tag } = candidate
  const commit = state.commits.get(tag) ?? (await github.commitOfTag(tag, signal))
  const [found, rights] = await Promise.all([
    examine(context, candidate, failed, commit, signal),
    rightsOf(context, failed ? [candidate, failed] : [candidate], signal)
  ])
  const place = { repository: github.name, api: github.api }
  const move = { from: current, to: release }
  const mark = failed && markFailedParams(context, failed, candidate)
  const newer = state.marked ? [] : newerThan(candidate, state.releases)
  const withdrawn = newer.flatMap((one) => markFailedParams(context, one, candidate) ?? [])
  return {
    steps: state.marked
      ? [
          markLatest.plan(context, { ...place, from: failed && named(failed), to: named(candidate) }, move),
          ...(mark ? [markFailed.plan(context, mark, move)] : [])
        ]
      : withdrawn.map((one) => withdraw.plan(context, one, move)),
    risks: [...found.risks, ...rights.risks, ...withdrawsMore(newer, failed)],
    blockers: [
      ...found.blockers,
      ...rights.blockers,
      ...(state.marked || (newer.length > 0 && withdrawn.length === newer.length) ? [] : [noMark(candidate)])
    ],
    fingerprint: fingerprint({
      id: candidate.id,
      tag,
      commit,
      draft: candidate.draft,
      prerelease: candidate.prerelease,
      assets: digestsOf(candidate.assets)
    }),
    notes: notesOf(settings, candidate, failed)
  }
}

const newerThan = (candidate: GitHubRelease, releases: readonly GitHubRelease[]): GitHubRelease[] => {
  const full = fullReleases(releases, seriesName(candidate.tag_name))
  return full.slice(
    0,
    Math.max(
      0,
      full.findIndex(({ id }) => id === candidate.id)
    )
  )
}

function withdrawsMore(newer: readonly GitHubRelease[], failed: GitHubRelease | null): Risk[] {
  const more = newer.filter(({ id }) => id !== failed?.id).map(({ tag_name: tag }) => oneLine(tag, 80))
  if (more.length === 0) return []
  return [
    {
      id: `withdraws_more:${more.join(',')}`,
      serious: true,
      title: `${more.join(', ')} must be withdrawn, too`,
      detail: 'GitHub marks a release of another series as the latest. Users of this one take its newest full release.'
    }
  ]
}

const noMark = ({ tag_name: tag }: GitHubRelease): Blocker => ({
  id: `no_mark:${tag}`,
  what: `${tag} cannot be made what users of its series get`,
  why: 'GitHub marks a release of another series as the latest, which is left alone, and the newer releases of this series stay as they are (`failed_release` is `keep`, or they may be sound)',
  next: 'Set `failed_release` to prerelease, choose another version, or publish the good code under a higher version.'
})

/** One that was recorded long ago may be older than all that were read. */
async function releaseWith(
  id: string,
  github: GitHub,
  { releases }: GitHubState,
  signal: AbortSignal
): Promise<GitHubRelease | null> {
  const listed = releases.find((one) => String(one.id) === id)
  return listed ?? (/^\d+$/.test(id) ? github.release(Number(id), signal) : null)
}

async function examine(
  { github, settings, history }: GitHubContext,
  candidate: GitHubRelease,
  failed: GitHubRelease | null,
  commit: string | null,
  signal: AbortSignal
): Promise<Objections> {
  const { tag_name: tag, assets, draft, prerelease } = candidate
  if (draft || prerelease) return blockedBy(notFull(tag, draft ? 'draft' : 'prerelease'))
  if (!commit) return blockedBy(tagGone(tag))
  const downloads = await tryAssets(github, assets, { verify: true, most: maxAssets }, signal)
  const missing = settings.expected.filter((pattern) => !assets.some(({ name }) => fits(pattern, name)))
  return {
    blockers: downloads.gone.length > 0 ? [assetsGone(tag, downloads.gone)] : [],
    risks: [
      ...changedSince(history, candidate, commit),
      ...(downloads.unknown.length > 0 ? [assetsUnknown(tag, downloads.unknown)] : []),
      ...(missing.length > 0 ? [assetsMissing(tag, `no ${missing.join(', ')}, which deploy.json names`)] : []),
      ...(assets.length === 0 && failed && failed.assets.length > 0
        ? [assetsMissing(tag, `no assets; ${failed.tag_name} has ${failed.assets.length}`)]
        : [])
    ]
  }
}

/** Whether tag and assets are still those that were recorded with a deployment. */
function changedSince(history: readonly DeploymentRecord[], candidate: GitHubRelease, commit: string): Risk[] {
  const { tag_name: tag, id } = candidate
  const mine = history.filter(({ version }) => version === tag || `v${version}` === tag)
  const risks: Risk[] = []
  const recorded = mine.find((record) => record.commit && record.status === 'success')?.commit
  if (recorded && !commit.startsWith(recorded.toLowerCase()))
    risks.push({
      id: `tag_moved:${tag}`,
      serious: true,
      title: `The tag ${tag} was moved since it was deployed`,
      detail: `deploy.json recorded the commit ${oneLine(recorded, 40)}, the tag now points at ${commit}`
    })
  const digest = mine.find((record) => record.digest && /^\d+$/.test(record.digest))?.digest
  if (digest && digest !== String(id))
    risks.push({
      id: `release_recreated:${tag}`,
      serious: true,
      title: `${tag} is not the release that was deployed`,
      detail: `deploy.json recorded the release ${digest}, GitHub now has ${id}: it was deleted and created again`
    })
  const known = mine.find(({ snapshot }) => snapshot?.assets)?.snapshot?.assets
  const differing = known && typeof known === 'object' ? differences(known as Record<string, unknown>, candidate) : []
  if (differing.length > 0)
    risks.push({
      id: `assets_changed:${tag}`,
      serious: true,
      title: `Assets of ${tag} are not those that were deployed`,
      detail: differing.slice(0, 8).join(', ')
    })
  return risks
}

function differences(known: Record<string, unknown>, { assets }: GitHubRelease): string[] {
  const now = digestsOf(assets)
  return Object.entries(known)
    .filter(([name, digest]) => now[name] !== digest)
    .map(([name]) => `${oneLine(name, 60)} ${now[name] === undefined ? 'is gone' : 'has other content'}`)
}

const deleted = ({ version }: Release): Blocker => ({
  id: `deleted:${version}`,
  what: `The release ${version} was deleted`,
  why: 'GitHub no longer has it, and a deleted release cannot be restored with its downloads',
  next: 'Choose another version, or publish the old code under a new one.'
})

const notFull = (tag: string, kind: string): Blocker => ({
  id: `not_full:${tag}`,
  what: `${tag} cannot be the latest release`,
  why: `it is a ${kind}, and GitHub lets only a full release be the latest`,
  next: `Choose another version; or, if it is meant to be used, make ${tag} a full release on GitHub, then assess again.`
})

const tagGone = (tag: string): Blocker => ({
  id: `tag_gone:${tag}`,
  what: `The tag ${tag} is gone`,
  why: 'GitHub has the release, but no tag of it that points at a commit',
  next: 'Push the tag again, at the commit it had, or choose another version; then assess again.'
})

const assetsGone = (tag: string, gone: string[]): Blocker => ({
  id: `assets_gone:${tag}`,
  what: `${tag} cannot be downloaded as it was published`,
  why: oneLine(gone.slice(0, 8).join('; '), 400),
  next: 'Upload what is missing, or choose another version; then assess again.'
})

const assetsUnknown = (tag: string, unknown: string[]): Risk => ({
  id: `assets_unknown:${tag}`,
  serious: true,
  title: `Whether the assets of ${tag} can be downloaded is unknown`,
  detail: oneLine(unknown.slice(0, 8).join('; '), 400)
})

const assetsMissing = (tag: string, what: string): Risk => ({
  id: `assets_missing:${tag}`,
  serious: true,
  title: `${tag} lacks assets`,
  detail: `It has ${what}: users who download assets by name from the latest release get nothing.`
})

function notesOf({ failedRelease }: GitHubSettings, candidate: GitHubRelease, failed: GitHubRelease | null): string[] {
  if (!failed) return []
  const sound = leftAlone(failed.tag_name, candidate.tag_name)
  const stays = sound
    ? `${sound}, so ${failed.tag_name} may be sound`
    : failedRelease === 'keep'
      ? '`failed_release` is `keep`'
      : null
  return [
    ...(stays ? [`${oneLine(failed.tag_name, 80)} and its notes stay as they are: ${oneLine(stays, 200)}.`] : []),
    ...notRepaired(failed.tag_name, candidate.tag_name),
    'Editing a release starts the workflows that run on release events (edited, prereleased, unpublished).',
    ...(failed.immutable && failedRelease === 'draft'
      ? [`${failed.tag_name} is immutable and cannot become a draft; it becomes a prerelease.`]
      : []),
    ...(failedRelease === 'draft' && !failed.immutable
      ? [`As a draft, ${failed.tag_name} can no longer be downloaded, also by users who pinned it.`]
      : [])
  ]
}
