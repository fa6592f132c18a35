import { compare, explain } from '@renovatebot/pep440'
import { tryFiles } from '../../http/try-files.ts'
import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Blocker, Observation, Risk } from '../../model/observation.ts'
import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import { fingerprint } from '../../support/canonical.ts'
import { oneLine } from '../../support/text.ts'
import { normalVersion } from './names.ts'
import type { PackageIndex } from './package-index.ts'
import type { PypiSettings } from './settings.ts'
import { yankStep } from './steps.ts'
import { digestsOf, type IndexVersion, inFrontOf, installable, type Known, kindsOf, pythons } from './versions.ts'

const mostFiles = 60

/** The way from what installers take to a release, with everything checked that can be checked before. */
export async function plan(
  index: PackageIndex,
  settings: PypiSettings,
  history: readonly DeploymentRecord[],
  observation: Observation,
  release: Release,
  signal: AbortSignal
): Promise<PlanDraft> {
  const known = await index.known(signal)
  const candidate = known?.versions.find(({ version }) => version === release.version)
  const failed = known?.versions.find(({ version }) => version === observation.current?.version)
  if (!known || !candidate || candidate.files.length === 0) return nothing([filesGone(settings, release.version)])
  if (candidate.yanked) return nothing([isYanked(settings, candidate)])
  const inFront = inFrontOf(known, candidate)
  if (inFront.length === 0) return nothing([noneInFront(settings, candidate, known)])
  const { gone, unknown } = await tryFiles(
    candidate.files.filter(({ yanked }) => !yanked),
    (file, hashUpTo) => index.download(file, signal, hashUpTo),
    { verify: true, most: mostFiles }
  )
  return {
    steps: [yankStep(settings, inFront, candidate)],
    blockers: gone.length > 0 ? [cannotDownload(candidate, gone)] : [],
    risks: [
      ...changedSince(history, candidate),
      ...(unknown.length > 0 ? [notKnown(candidate, unknown)] : []),
      ...yanksMore(inFront, failed),
      ...lost(settings, candidate, failed)
    ],
    fingerprint: fingerprint({ files: digestsOf(candidate), in_front: inFront.map(({ version }) => version) }),
    notes: notesOf(settings, candidate, inFront)
  }
}

const nothing = (blockers: Blocker[]): PlanDraft => ({
  steps: [],
  risks: [],
  blockers,
  fingerprint: fingerprint({}),
  notes: []
})

/** A version that comes after all of these. */
export function higherVersion(versions: readonly string[]): string {
  const highest = [...versions].sort(compare).at(-1)
  const parsed = highest === undefined ? null : explain(highest)
  if (!parsed) return 'the next one'
  const release = [...parsed.release, 0, 0].slice(0, Math.max(3, parsed.release.length))
  release.push((release.pop() ?? 0) + 1)
  return `${parsed.epoch ? `${parsed.epoch}!` : ''}${release.join('.')}`
}

function changedSince(history: readonly DeploymentRecord[], candidate: IndexVersion): Risk[] {
  const recorded = history.find(
    ({ version, snapshot }) => normalVersion(version) === candidate.version && snapshot?.files
  )
  const files = recorded?.snapshot?.files
  if (!files || typeof files !== 'object') return []
  const now = digestsOf(candidate)
  const differing = Object.entries(files)
    .filter(([name, digest]) => now[name] !== digest)
    .map(([name]) => `${oneLine(name, 80)} ${now[name] === undefined ? 'is gone' : 'has other content'}`)
  if (differing.length === 0) return []
  return [
    {
      id: `files_changed:${candidate.version}`,
      serious: true,
      title: `The files of ${candidate.version} are not those that were deployed`,
      detail: differing.slice(0, 8).join(', ')
    }
  ]
}

/** Versions that have to go for the candidate to be taken, beyond the one that failed. */
function yanksMore(inFront: readonly IndexVersion[], failed: IndexVersion | undefined): Risk[] {
  const more = inFront.filter(({ version }) => version !== failed?.version).map(({ version }) => version)
  if (more.length === 0) return []
  return [
    {
      id: `yanks_more:${more.join(',')}`,
      serious: true,
      title: `${more.join(', ')} would have to be yanked, too`,
      detail: 'Installers take the highest version that is not yanked, so everything above the candidate has to go.'
    }
  ]
}

/** What users of the failed version lose with the candidate. */
function lost({ kinds }: PypiSettings, candidate: IndexVersion, failed: IndexVersion | undefined): Risk[] {
  const { version } = candidate
  const has = kindsOf(candidate)
  const missing = kinds.filter((kind) => !has.includes(kind))
  const fewer = failed ? kindsOf(failed).filter((kind) => !has.includes(kind) && !missing.includes(kind)) : []
  const without = failed
    ? pythons.filter((python) => installable(failed, python) && !installable(candidate, python))
    : []
  return [
    ...(missing.length > 0
      ? [
          {
            id: `kinds_missing:${version}`,
            serious: true,
            title: `${version} has no ${missing.join(' and no ')}`,
            detail: 'deploy.json names it among the distributions.'
          }
        ]
      : []),
    ...(fewer.length > 0
      ? [
          {
            id: `kinds_fewer:${version}`,
            serious: false,
            title: `${version} has no ${fewer.join(' and no ')}`,
            detail: `The failed version has: some installers may have to build it, or fail.`
          }
        ]
      : []),
    ...(without.length > 0
      ? [
          {
            id: `python_narrower:${version}`,
            serious: false,
            title: `${version} does not run on Python ${without.join(', ')}`,
            detail: 'The failed version does; there, installers go back further.'
          }
        ]
      : [])
  ]
}

const filesGone = ({ name, label }: PypiSettings, version: string): Blocker => ({
  id: `files_gone:${version}`,
  what: `${name} ${version} has no files`,
  why: `they were deleted, and cannot come back: ${label} never takes the name of a file again`,
  next: 'Choose another version, or publish the old code under a higher one.'
})

const isYanked = (settings: PypiSettings, { version, yankedReason }: IndexVersion): Blocker => ({
  id: `yanked:${version}`,
  what: `${settings.name} ${version} is yanked`,
  why: `installers pass it by${yankedReason ? ` (${oneLine(yankedReason, 160)})` : ''}`,
  next: 'Choose another version; or, if it is sound, un-yank it on its page, then assess again.'
})

const noneInFront = ({ name }: PypiSettings, { version }: IndexVersion, { versions }: Known): Blocker => ({
  id: `already_first:${version}`,
  what: `${name} ${version} already is what installers take`,
  why: `none of its ${versions.length} versions comes before it`,
  next: 'Assess again.'
})

const cannotDownload = ({ version }: IndexVersion, gone: string[]): Blocker => ({
  id: `files_broken:${version}`,
  what: `${version} cannot be installed as it was published`,
  why: oneLine(gone.slice(0, 8).join('; '), 400),
  next: 'Choose another version.'
})

const notKnown = ({ version }: IndexVersion, unknown: string[]): Risk => ({
  id: `files_unknown:${version}`,
  serious: true,
  title: `It is not known whether the files of ${version} can be downloaded`,
  detail: oneLine(unknown.slice(0, 8).join('; '), 400)
})

function notesOf({ label, name }: PypiSettings, candidate: IndexVersion, inFront: readonly IndexVersion[]): string[] {
  const versions = inFront.map(({ version }) => version)
  return [
    `${label} offers no way to a program to yank a release: the rollback ends with instructions for an owner of ${name}.`,
    `Without an owner at hand: publish the code of ${candidate.version} under a higher version, such as ${higherVersion(versions)}.`,
    `Whoever pinned ${versions.join(' or ')} exactly, in a lock file too, keeps getting it with a warning (PEP 592).`,
    'Mirrors and caches may offer it for some minutes more.'
  ]
}
