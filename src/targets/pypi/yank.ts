import { z } from 'zod'
import type { Step } from '../../model/step.ts'
import { TargetError } from '../../support/errors.ts'
import type { StepKind } from '../define-steps.ts'
import type { PypiContext } from './context.ts'
import { unyankLine, yankLine } from './manual-yank.ts'
import { higherVersion } from './names.ts'
import type { PackageIndex } from './package-index.ts'
import type { PypiSettings } from './settings.ts'
import { type IndexVersion, installable } from './versions.ts'

const shownWithinMs = 60_000

const params = z.object({
  project: z.string(),
  index: z.string(),
  /** Highest first. */
  versions: z.array(z.string()).min(1),
  candidate: z.string(),
  /** To be pasted as the reason. */
  reason: z.string()
})

type Params = z.infer<typeof params>

/** Has everything yanked that installers prefer to the candidate. No index lets a program do that, so a person does it. */
export function yankStep(settings: PypiSettings, inFront: readonly IndexVersion[], candidate: IndexVersion): Step {
  const versions = inFront.map(({ version }) => version)
  const planned: Params = {
    project: settings.path,
    index: settings.simple,
    versions,
    candidate: candidate.version,
    reason: `Broken release; use ${settings.name} ${candidate.version}.`
  }
  return {
    id: 'yank',
    kind: 'yank',
    phase: 'switch',
    title: `Yanking ${versions.join(', ')}`,
    params: planned,
    undo: `un-yank ${versions.join(', ')}`,
    manualCommands: versions.map((version) => yankLine(settings, version, planned.reason)),
    manualUndoCommands: versions.map((version) => unyankLine(settings, version))
  }
}

export const yank: StepKind<PypiContext, Params> = {
  params,

  /**
   * Checks whether a person has yanked the versions, and otherwise says how. A version that the JSON API already shows as yanked is waited
   * for, because the Simple API is answered from caches.
   */
  async apply({ index, settings, clock }, planned, run) {
    const until = clock.now().getTime() + shownWithinMs
    for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 5000)) {
      const open = await stillOffered(index, planned, run.signal)
      if (open.length === 0) return { detail: `installers skip ${planned.versions.join(', ')}` }
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
}

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
    ? `${label} lets no program yank a release. An owner of ${name} does it on its page, logged in:`
    : `This program cannot yank a release at ${label}. A person who manages the index does it:`
  return [
    who,
    ...open.map((version) => yankLine(settings, version, reason)),
    `Then verify the rollback: that checks whether installers take ${candidate}.`,
    `If that is not possible now: publish the code of ${candidate} under a higher version, such as ${higherVersion(versions)}, which installers take at once.`
  ]
}
