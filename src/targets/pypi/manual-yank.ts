import { commandsOf } from './other-indexes.ts'
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
  const command = commandsOf(settings, version)?.hide
  if (command) return command
  if (warehouse) return `${inMenu(settings, warehouse, version, 'Yank')}, and paste as the reason: ${reason}`
  return `Yank or hide ${name} ${version} with the tools of ${label}, and give as the reason: ${reason}`
}

/** How a person takes the yank back. */
export function unyankLine(settings: PypiSettings, version: string): string {
  const { warehouse, name, label } = settings
  const command = commandsOf(settings, version)?.show
  if (command) return command
  if (warehouse) return inMenu(settings, warehouse, version, 'Un-yank')
  return `Un-yank or show ${name} ${version} again with the tools of ${label}`
}
