import type { PypiSettings } from './settings.ts'

/**
 * Where an owner of a project at an index that runs Warehouse finds Yank and Un-yank: in the menu of the release, on the page of all
 * releases. On the page of one release the menu is that of a file and holds Delete, which nobody can undo.
 */
const inMenu = ({ name }: PypiSettings, warehouse: string, version: string, entry: string): string =>
  `Open ${warehouse}/manage/project/${name}/releases/, and in the Options of the release ${version} choose ${entry}; type ${version} to confirm`

/** How a person yanks a version: a command, or a page and what to do there. */
export function yankLine(settings: PypiSettings, version: string, reason: string): string {
  const { warehouse, name, label } = settings
  const command = codeArtifact(settings, version, 'Unlisted')
  if (command) return command
  if (warehouse) return `${inMenu(settings, warehouse, version, 'Yank')}, and paste as the reason: ${reason}`
  return `Yank or hide ${name} ${version} with the tools of ${label}, and give as the reason: ${reason}`
}

/** How a person takes the yank back. */
export function unyankLine(settings: PypiSettings, version: string): string {
  const { warehouse, name, label } = settings
  const command = codeArtifact(settings, version, 'Published')
  if (command) return command
  if (warehouse) return inMenu(settings, warehouse, version, 'Un-yank')
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
