import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Blocker, Observation, Risk } from '../../model/observation.ts'
import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import { fingerprint } from '../../support/canonical.ts'
import { oneLine } from '../../support/text.ts'
import type { GitHub } from './api.ts'
import { tryAssets } from './assets.ts'
import { fits } from './config.ts'
import { digestsOf } from './releases.ts'
import { rightsOf } from './rights.ts'
import type { GitHubSettings } from './settings.ts'
import type { GitHubRelease } from './shapes.ts'
import { markFailedStep, markLatestStep } from './steps.ts'

const mostAssets = 60

/** The way from the latest release to a candidate, with everything checked that can be checked before. */
export async function plan(
  github: GitHub,
  settings: GitHubSettings,
  history: readonly DeploymentRecord[],
  observation: Observation,
  release: Release,
  signal: AbortSignal
): Promise<PlanDraft> {
  const [candidate, failed] = await Promise.all([
    fetched(github, release, signal),
    observation.current ? fetched(github, observation.current, signal) : null
  ])
  if (!candidate) return nothing([deleted(release)])
  const marking = failed ? [markFailedStep(settings, failed, candidate)] : []
  const commit = await github.commitOfTag(candidate.tag_name, signal)
  const [found, rights] = await Promise.all([
    examine(github, settings, history, candidate, failed, commit, signal),
    rightsOf(github, settings, failed ? [candidate, failed] : [candidate], signal)
  ])
  return {
    steps: [markLatestStep(settings, failed, candidate), ...marking],
    risks: [...found.risks, ...rights.risks],
    blockers: [...found.blockers, ...rights.blockers],
    fingerprint: fingerprint({
      id: candidate.id,
      tag: candidate.tag_name,
      commit,
      draft: candidate.draft,
      prerelease: candidate.prerelease,
      assets: digestsOf(candidate.assets)
    }),
    notes: notesOf(settings, candidate, failed)
  }
}

const fetched = async (github: GitHub, { id }: Release, signal: AbortSignal): Promise<GitHubRelease | null> =>
  /^\d+$/.test(id) ? await github.release(Number(id), signal) : null

const nothing = (blockers: Blocker[]): PlanDraft => ({
  steps: [],
  risks: [],
  blockers,
  fingerprint: fingerprint({}),
  notes: []
})

async function examine(
  github: GitHub,
  settings: GitHubSettings,
  history: readonly DeploymentRecord[],
  candidate: GitHubRelease,
  failed: GitHubRelease | null,
  commit: string | null,
  signal: AbortSignal
): Promise<{ risks: Risk[]; blockers: Blocker[] }> {
  const { tag_name: tag, assets, draft, prerelease } = candidate
  if (draft || prerelease) return { risks: [], blockers: [notFull(tag, draft ? 'draft' : 'prerelease')] }
  if (!commit) return { risks: [], blockers: [tagGone(tag)] }
  const downloads = await tryAssets(github, assets, { verify: true, most: mostAssets }, signal)
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
      title: `${tag} is another release than the one that was deployed`,
      detail: `deploy.json recorded the release ${digest}, GitHub now has ${id}: it was deleted and made again`
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
  why: 'GitHub has no such release any more, and nothing restores one with its downloads',
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
  why: 'GitHub has the release, and no tag that points at a commit',
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
  title: `It is not known whether the assets of ${tag} can be downloaded`,
  detail: oneLine(unknown.slice(0, 8).join('; '), 400)
})

const assetsMissing = (tag: string, what: string): Risk => ({
  id: `assets_missing:${tag}`,
  serious: true,
  title: `${tag} lacks assets`,
  detail: `It has ${what}: whoever downloads them by name from the latest release finds nothing.`
})

function notesOf({ failedRelease }: GitHubSettings, candidate: GitHubRelease, failed: GitHubRelease | null): string[] {
  if (!failed) return []
  return [
    `Whoever installed ${oneLine(failed.tag_name, 80)} keeps it; package managers and mirrors that copied it do so until they look again.`,
    `The next publication takes the mark from ${candidate.tag_name}, and so does a release job that runs again.`,
    'Editing a release starts the workflows that listen for release events (edited, prereleased, unpublished).',
    ...(failed.immutable && failedRelease === 'draft'
      ? [`${failed.tag_name} is immutable and cannot become a draft; it becomes a prerelease.`]
      : []),
    ...(failedRelease === 'draft' && !failed.immutable
      ? [`As a draft, ${failed.tag_name} can no longer be downloaded by those who pinned it.`]
      : [])
  ]
}
