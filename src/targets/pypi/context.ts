import type { TargetContext } from '../target.ts'
import type { PypiConfig } from './config.ts'
import { openPackageIndex, type PackageIndex } from './package-index.ts'
import { type PypiSettings, settle } from './settings.ts'

/** What every part of the target works with. */
export interface PypiContext extends TargetContext<PypiConfig> {
  index: PackageIndex
  settings: PypiSettings
}

/** @throws ConfigError when no project is named, or a name or address is not valid. */
export async function openContext(given: TargetContext<PypiConfig>): Promise<PypiContext> {
  const settings = await settle(given)
  for (const shown of [settings.name, settings.path, new URL(settings.simple).host]) given.mask.spare(shown)
  return { ...given, settings, index: openPackageIndex(settings, given) }
}
