import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Blocker, Observation, Risk } from '../../model/observation.ts'
import { noPlan, type PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import { fingerprint } from '../../support/canonical.ts'
import { oneLine, quoted } from '../../support/text.ts'
import type { PypiContext } from './context.ts'
import { higherVersion, normalVersion } from './names.ts'
import type { PypiState } from './observe.ts'
import type { PypiSettings } from './settings.ts'
import {
  digestsOf,
  type IndexVersion,
  inFrontOf,
  installable,
  type Known,
  kindsOf,
  pythons,
  whyAbsent
} from './versions.ts'
import { notRepaired, yank, yankParams } from './yank.ts'

const maxFiles = 60

/** The steps from what installers take to a release, with every precondition checked. */
export async function plan(
  context: PypiContext,
  { current }: Observation,
  { known }: PypiState,
  release: Release,
  signal: AbortSignal
): Promise<PlanDraft> {
  const { index, settings, history } = context
  const candidate = known.versions.find(({ version }) => version === release.version)
  const failed = known.versions.find(({ version }) => version === current?.version)
  if (!candidate || candidate.files.length === 0) return noPlan(filesGone(settings, known, release.version))
  if (candidate.yanked) return noPlan(isYanked(settings, candidate))
  const inFront = inFrontOf(known, candidate)
  if (inFront.length === 0) return noPlan(noneInFront(settings, candidate, known))
  const { gone, unknown } = await index.tryFiles(
    candidate.files.filter(({ yanked }) => !yanked),
    { verify: true, most: maxFiles },
    signal
  )
  return {
    steps: [yank.plan(context, yankParams(settings, inFront, candidate), { from: current, to: release })],
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

/** Versions that must be yanked besides the one that failed. */
function yanksMore(inFront: readonly IndexVersion[], failed: IndexVersion | undefined): Risk[] {
  const more = inFront.filter(({ version }) => version !== failed?.version).map(({ version }) => version)
  if (more.length === 0) return []
  return [
    {
      id: `yanks_more:${more.join(',')}`,
      serious: true,
      title: `${more.join(', ')} must be yanked, too`,
      detail:
        'Installers take the highest version that is not yanked, so every version above the candidate must be yanked.'
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
  const risk = (id: string, serious: boolean, title: string, detail: string): Risk => ({
    id: `${id}:${version}`,
    serious,
    title: `${version} ${title}`,
    detail
  })
  return [
    ...(missing.length > 0
      ? [
          risk(
            'kinds_missing',
            true,
            `has no ${missing.join(' and no ')}`,
            'deploy.json names it among the distributions.'
          )
        ]
      : []),
    ...(fewer.length > 0
      ? [
          risk(
            'kinds_fewer',
            false,
            `has no ${fewer.join(' and no ')}`,
            'The failed version has one: without it, some installers must build the package, or fail.'
          )
        ]
      : []),
    ...(without.length > 0
      ? [
          risk(
            'python_narrower',
            false,
            `does not run on Python ${without.join(', ')}`,
            'The failed version does; on these, installers take an even older version.'
          )
        ]
      : [])
  ]
}

const filesGone = ({ name }: PypiSettings, known: Known, version: string): Blocker => ({
  id: `files_gone:${version}`,
  what: `${name} ${version} has no files`,
  why: whyAbsent(known),
  next: 'Choose another version, or publish the old code under a higher one.'
})

const isYanked = (settings: PypiSettings, { version, yankedReason }: IndexVersion): Blocker => ({
  id: `yanked:${version}`,
  what: `${settings.name} ${version} is yanked`,
  why: `installers skip it${yankedReason ? ` (${quoted(yankedReason, 160)})` : ''}`,
  next: 'Choose another version; or, if it works, un-yank it on the page of the releases, then assess again.'
})

const noneInFront = ({ name }: PypiSettings, { version }: IndexVersion, { versions }: Known): Blocker => ({
  id: `already_first:${version}`,
  what: `Installers already take ${name} ${version}`,
  why: `installers prefer none of its ${versions.length} versions to it`,
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
  title: `Whether the files of ${version} can be downloaded is unknown`,
  detail: oneLine(unknown.slice(0, 8).join('; '), 400)
})

function notesOf({ label, name }: PypiSettings, candidate: IndexVersion, inFront: readonly IndexVersion[]): string[] {
  const versions = inFront.map(({ version }) => version)
  return [
    `${label} lets no program yank a release: the rollback ends with instructions for an owner of ${name}.`,
    `If no owner is available: publish the code of ${candidate.version} under a higher version, such as ${higherVersion(versions)}.`,
    ...notRepaired(versions)
  ]
}
