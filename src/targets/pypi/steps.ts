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
    phase: 'switch',
    title: `Yanking ${versions.join(', ')}`,
    params,
    undo: `un-yank ${versions.join(', ')}`,
    manualCommands: versions.map((version) => yankLine(settings, version, params.reason)),
    manualUndoCommands: versions.map((version) => unyankLine(settings, version))
  }
}

/** Where an owner manages a release of an index that runs Warehouse. */
const managePage = (warehouse: string, name: string, version: string): string =>
  `${warehouse}/manage/project/${name}/release/${encodeURIComponent(version)}/`

export function yankLine(settings: PypiSettings, version: string, reason: string): string {
  const { warehouse, name, label } = settings
  const command = codeArtifact(settings, version, 'Unlisted')
  if (command) return command
  if (warehouse)
    return `Open ${managePage(warehouse, name, version)}, choose Options, then Yank; type ${version} to confirm, and paste as the reason: ${reason}`
  return `Yank or hide ${name} ${version} at ${label} by its own means, with the reason: ${reason}`
}

export function unyankLine(settings: PypiSettings, version: string): string {
  const { warehouse, name, label } = settings
  const command = codeArtifact(settings, version, 'Published')
  if (command) return command
  if (warehouse)
    return `Open ${managePage(warehouse, name, version)}, choose Options, then Un-yank; type ${version} to confirm`
  return `Show ${name} ${version} again at ${label} by its own means`
}

/**
 * AWS CodeArtifact hides a version from installers and shows it again by a status (docs.aws.amazon.com/codeartifact, "Update package
 * version status"). The address of its repositories holds all that the command needs; null for another index.
 */
function codeArtifact(
  { simple, path }: PypiSettings,
  version: string,
  status: 'Unlisted' | 'Published'
): string | null {
  const { hostname, pathname } = new URL(simple)
  const host = /^([a-z][a-z0-9-]*[a-z0-9])-(\d{12})\.d\.codeartifact\.([a-z0-9-]+)\.amazonaws\.com$/.exec(hostname)
  const repository = /^\/pypi\/([A-Za-z0-9][\w.-]{1,99})\/simple$/.exec(pathname)?.[1]
  if (!host || !repository) return null
  const [, domain, owner, region] = host
  return `aws codeartifact update-package-versions-status --region ${region} --domain ${domain} --domain-owner ${owner} --repository ${repository} --format pypi --package ${path} --versions ${version} --target-status ${status}`
}
