import { z } from 'zod'
import type { Step } from '../../model/step.ts'
import type { PypiSettings } from './settings.ts'
import type { IndexVersion } from './versions.ts'

export const yankParams = z.object({
  project: z.string(),
  index: z.string(),
  /** Highest first. */
  versions: z.array(z.string()).min(1),
  candidate: z.string(),
  /** What is to be pasted as the reason. */
  reason: z.string()
})

export type Yank = z.infer<typeof yankParams>

/** Has everything yanked that installers prefer to the candidate. No index offers that to a program, so a person does it. */
export function yankStep(settings: PypiSettings, inFront: readonly IndexVersion[], candidate: IndexVersion): Step {
  const versions = inFront.map(({ version }) => version)
  const params: Yank = {
    project: settings.path,
    index: settings.simple,
    versions,
    candidate: candidate.version,
    reason: `Broken release; use ${settings.name} ${candidate.version}.`
  }
  return {
    id: 'yank',
    kind: 'yank',
    phase: 'cure',
    title: `Yanking ${versions.join(', ')}`,
    params,
    undo: `un-yank ${versions.join(', ')}`,
    byHand: versions.map((version) => yankLine(settings, version, params.reason)),
    undoByHand: versions.map((version) => unyankLine(settings, version))
  }
}

/** Where an owner manages a release of an index that runs Warehouse. */
const managePage = (warehouse: string, name: string, version: string): string =>
  `${warehouse}/manage/project/${name}/release/${encodeURIComponent(version)}/`

export function yankLine({ warehouse, name, label }: PypiSettings, version: string, reason: string): string {
  if (warehouse)
    return `Open ${managePage(warehouse, name, version)}, choose Options, then Yank; type ${version} to confirm, and paste as the reason: ${reason}`
  return `Yank or hide ${name} ${version} at ${label} by its own means, with the reason: ${reason}`
}

export function unyankLine({ warehouse, name, label }: PypiSettings, version: string): string {
  if (warehouse)
    return `Open ${managePage(warehouse, name, version)}, choose Options, then Un-yank; type ${version} to confirm`
  return `Show ${name} ${version} again at ${label} by its own means`
}
