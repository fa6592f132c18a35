import type { TargetModule } from '../target.ts'
import { type VercelConfig, vercelConfigSchema, versionPattern } from './config.ts'
import { openTarget } from './target.ts'

/** A Vercel project: the deployment that its production domains lead to is what serves. */
const vercel: TargetModule<VercelConfig> = {
  configSchema: vercelConfigSchema,
  version: { pattern: versionPattern, says: 'a deployment id, the beginning of a commit, or a version of deploy.json' },
  open: openTarget
}

export default vercel as TargetModule
