import type { PypiSettings } from './settings.ts'

/** Where an owner manages a release of an index that runs Warehouse. */
const managePage = (warehouse: string, name: string, version: string): string =>
  `${warehouse}/manage/project/${name}/release/${encodeURIComponent(version)}/`

/** How a person yanks a version: a command, or a page and what to do there. */
export function yankLine(settings: PypiSettings, version: string, reason: string): string {
  const { warehouse, name, label } = settings
  const command = codeArtifact(settings, version, 'Unlisted')
  if (command) return command
  if (warehouse)
    return `Open ${managePage(warehouse, name, version)}, choose Options, then Yank; type ${version} to confirm, and paste as the reason: ${reason}`
  return `Yank or hide ${name} ${version} with the tools of ${label}, and give as the reason: ${reason}`
}

/** How a person takes the yank back. */
export function unyankLine(settings: PypiSettings, version: string): string {
  const { warehouse, name, label } = settings
  const command = codeArtifact(settings, version, 'Published')
  if (command) return command
  if (warehouse)
    return `Open ${managePage(warehouse, name, version)}, choose Options, then Un-yank; type ${version} to confirm`
  return `Un-yank or show ${name} ${version} again with the tools of ${label}`
}

/**
 * AWS CodeArtifact hides a version from installers, or shows it again, by setting its status (docs.aws.amazon.com/codeartifact, "Update package
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
