import type { TargetContext } from '../target.ts'
import type { NpmConfig } from './config.ts'
import { type Authority, createAuthority } from './one-time-password.ts'
import { openRegistry, type Registry } from './registry.ts'
import { type NpmSettings, settle } from './settings.ts'

/** What every part of the target works with. */
export interface NpmContext extends TargetContext<NpmConfig> {
  registry: Registry
  authority: Authority
  settings: NpmSettings
}

/** @throws ConfigError when no package is named, or a name, tag or registry is not valid. */
export async function openContext(given: TargetContext<NpmConfig>): Promise<NpmContext> {
  const settings = await settle(given)
  for (const shown of [settings.name, new URL(settings.registry).host]) given.mask.spare(shown)
  const registry = openRegistry(settings)
  return { ...given, settings, registry, authority: createAuthority(registry, given.clock, given.mask) }
}
