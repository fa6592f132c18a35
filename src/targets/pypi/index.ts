import type { TargetModule } from '../target.ts'
import { type PypiConfig, pypiConfigSchema } from './config.ts'
import { versionPattern } from './names.ts'
import { openTarget } from './target.ts'

/** A project of a Python package index: what installers take when they are asked for no version is what serves. */
const pypi: TargetModule<PypiConfig> = {
  configSchema: pypiConfigSchema,
  version: { pattern: versionPattern, says: 'a version by PEP 440, such as 1.4.2 or 2.0rc1' },
  open: openTarget
}

export default pypi as TargetModule
