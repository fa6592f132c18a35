import type { Step } from '../../model/step.ts'
import type { Clock } from '../../support/clock.ts'
import { TargetError } from '../../support/errors.ts'
import type { Run, StepResult } from '../target.ts'
import type { PackageIndex } from './package-index.ts'
import { higherVersion } from './plan.ts'
import type { PypiSettings } from './settings.ts'
import { unyankLine, type Yank, yankLine, yankParams } from './steps.ts'
import { installable } from './versions.ts'

const shownWithinMs = 60_000

/**
 * Looks whether a person has yanked the versions, and else says how. What the JSON API already shows as yanked is waited for in the Simple
 * API, which caches answer.
 */
export async function applyYank(
  index: PackageIndex,
  settings: PypiSettings,
  clock: Clock,
  step: Step,
  run: Run
): Promise<StepResult> {
  const params = yankParams.parse(step.params)
  const until = clock.now().getTime() + shownWithinMs
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 5000)) {
    const open = await stillOffered(index, params, run.signal)
    if (open.length === 0) return { detail: `installers pass ${params.versions.join(', ')} by` }
    const late = await yankedInJson(index, open, run.signal)
    if (late.length < open.length || clock.now().getTime() >= until)
      return { manual: instructions(settings, params, open) }
    run.progress(`${late.join(', ')} is yanked, and a cache still offers it`)
    await clock.sleep(waitMs, run.signal)
  }
}

/** Nothing was done by a program, so nothing is undone by one. @throws TargetError with the pages to open when something is yanked. */
export async function revertYank(
  index: PackageIndex,
  settings: PypiSettings,
  step: Step,
  run: Run
): Promise<StepResult> {
  const params = yankParams.parse(step.params)
  const open = await stillOffered(index, params, run.signal)
  const yanked = params.versions.filter((version) => !open.includes(version))
  if (yanked.length === 0) return { detail: `${params.versions.join(', ')} is not yanked` }
  throw new TargetError({
    what: `${yanked.join(', ')} stays yanked`,
    why: `${settings.label} lets no program un-yank a release`,
    state: `Installers pass ${yanked.join(', ')} by.`,
    next: yanked.map((version) => unyankLine(settings, version)).join(' '),
    code: 'manual_only'
  })
}

async function stillOffered(index: PackageIndex, { versions }: Yank, signal: AbortSignal): Promise<string[]> {
  const known = await index.known(signal)
  return versions.filter((version) => known?.versions.some((one) => one.version === version && installable(one)))
}

async function yankedInJson(index: PackageIndex, versions: readonly string[], signal: AbortSignal): Promise<string[]> {
  const answers = await Promise.all(versions.map((version) => index.json(version, signal)))
  return versions.filter((_, position) => answers[position]?.info.yanked === true)
}

function instructions(
  settings: PypiSettings,
  { versions, candidate, reason }: Yank,
  open: readonly string[]
): string[] {
  const { warehouse, label, name } = settings
  const who = warehouse
    ? `${label} lets no program yank a release; an owner of ${name} does it on its page, logged in:`
    : `This program does not yank a release at ${label}; whoever manages the index does it:`
  return [
    who,
    ...open.map((version) => yankLine(settings, version, reason)),
    `Then call verify_rollback: it looks whether installers take ${candidate}.`,
    `If nobody can do that now: publish the code of ${candidate} under a higher version, such as ${higherVersion(versions)}, which installers take at once.`
  ]
}
