import { z } from 'zod'
import { TargetError } from '../../support/errors.ts'
import { defineStep } from '../define-step.ts'
import type { PypiContext } from './context.ts'
import { unyankLine, yankLine } from './manual-yank.ts'
import { higherVersion, normalVersion } from './names.ts'
import type { PypiState } from './observe.ts'
import type { PackageIndex } from './package-index.ts'
import type { PypiSettings } from './settings.ts'
import { type IndexVersion, inFrontOf, installable, prefers } from './versions.ts'

const shownWithinMs = 60_000

const version = z.string().refine((text) => normalVersion(text) === text)

const params = z.object({
  project: z.string(),
  index: z.string(),
  /** Highest first. */
  versions: z.array(version).min(1),
  candidate: version,
  /** To be pasted as the reason. */
  reason: z.string()
})

type Params = z.infer<typeof params>

const reasonFor = ({ name }: PypiSettings, candidate: string): string => `Broken release; use ${name} ${candidate}.`

export const yankParams = (
  settings: PypiSettings,
  inFront: readonly IndexVersion[],
  { version: candidate }: IndexVersion
): Params => ({
  project: settings.path,
  index: settings.simple,
  versions: inFront.map((one) => one.version),
  candidate,
  reason: reasonFor(settings, candidate)
})

/** What a yank does not repair. */
export const notRepaired = (versions: readonly string[]): string[] => [
  `Users who pinned exactly ${versions.join(' or ')}, also in a lock file, still get it, with a warning (PEP 592); installed copies stay.`,
  'Mirrors and caches may offer it for some more minutes.'
]

/** Has everything yanked that installers prefer to the candidate. No index lets a program do that, so a person does it. */
export const yank = defineStep<PypiContext, PypiState>()({
  kind: 'yank',
  phase: 'switch',
  params,
  describe: ({ settings }, { versions, reason }) => ({
    id: 'yank',
    title: `Yanking ${versions.join(', ')}`,
    undo: `un-yank ${versions.join(', ')}`,
    manual: true,
    manualCommands: versions.map((one) => yankLine(settings, one, reason)),
    manualUndoCommands: versions.map((one) => unyankLine(settings, one))
  }),
  mismatch({ settings }, { versions, candidate, reason }, { to, state }) {
    const listed = (wanted: string) => state.known.versions.find((one) => one.version === wanted)
    const good = listed(candidate)
    if (candidate !== to.version || !good) return `it leads to ${candidate}`
    if (reason !== reasonFor(settings, candidate)) return 'its reason is another one'
    const stray = versions.find((one) => {
      const found = listed(one)
      return !found || !prefers(found, good)
    })
    if (stray !== undefined) return `installers do not prefer ${stray} to ${candidate}`
    const missed = inFrontOf(state.known, good).find((one) => !versions.includes(one.version))
    return missed ? `installers prefer ${missed.version}, too, which it leaves` : null
  },

  /**
   * Checks whether a person has yanked the versions, and otherwise says how. A version that the JSON API already shows as yanked is waited
   * for, because the Simple API is answered from caches.
   */
  async apply({ index, settings, clock }, planned, run) {
    const until = clock.now().getTime() + shownWithinMs
    for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 5000)) {
      const open = await stillOffered(index, planned, run.signal)
      if (open.length === 0)
        return { detail: `installers skip ${planned.versions.join(', ')}`, remains: notRepaired(planned.versions) }
      const late = await yankedInJson(index, open, run.signal)
      if (late.length < open.length || clock.now().getTime() >= until)
        return { manual: instructions(settings, planned, open) }
      run.progress(`${late.join(', ')} is yanked, but a cache still offers it`)
      await clock.sleep(waitMs, run.signal)
    }
  },

  /** No program did anything, so none undoes it. @throws TargetError with the pages to open when something is yanked. */
  async revert({ index, settings }, planned, run) {
    const open = await stillOffered(index, planned, run.signal)
    const yanked = planned.versions.filter((version) => !open.includes(version))
    if (yanked.length === 0) return { detail: `${planned.versions.join(', ')} is not yanked` }
    throw new TargetError({
      what: `${yanked.join(', ')} stays yanked`,
      why: `${settings.label} lets no program un-yank a release`,
      state: `Installers skip ${yanked.join(', ')}.`,
      next: yanked.map((version) => unyankLine(settings, version)).join(' '),
      code: 'manual_only'
    })
  }
})

async function stillOffered(index: PackageIndex, { versions }: Params, signal: AbortSignal): Promise<string[]> {
  const known = await index.known(signal)
  return versions.filter((version) => known?.versions.some((one) => one.version === version && installable(one)))
}

async function yankedInJson(index: PackageIndex, versions: readonly string[], signal: AbortSignal): Promise<string[]> {
  const answers = await Promise.all(versions.map((version) => index.json(version, signal)))
  return versions.filter((_, position) => answers[position]?.info.yanked === true)
}

function instructions(
  settings: PypiSettings,
  { versions, candidate, reason }: Params,
  open: readonly string[]
): string[] {
  const { warehouse, label, name } = settings
  const who = warehouse
    ? `${label} lets no program yank a release. An owner of ${name} does it in a browser, logged in:`
    : `This program cannot yank a release at ${label}. A person who manages the index does it:`
  return [
    who,
    ...open.map((version) => yankLine(settings, version, reason)),
    `Then verify the rollback: that checks whether installers take ${candidate}.`,
    `If that is not possible now: publish the code of ${candidate} under a higher version, such as ${higherVersion(versions)}, which installers take at once.`,
    ...notRepaired(versions)
  ]
}
