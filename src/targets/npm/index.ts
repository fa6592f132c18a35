import type { TargetModule } from '../target.ts'
import { type NpmConfig, npmConfigSchema } from './config.ts'
import { versionPattern } from './names.ts'
import { openTarget } from './target.ts'

/** A package of an npm registry: what its dist-tag points at is what serves. */
const npm: TargetModule<NpmConfig> = {
  configSchema: npmConfigSchema,
  version: { pattern: versionPattern, says: 'an exact version such as 1.4.2 or 2.0.0-beta.1' },
  open: openTarget
}

export default npm as TargetModule
