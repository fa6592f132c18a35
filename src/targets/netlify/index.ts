import type { TargetModule } from '../target.ts'
import { type NetlifyConfig, netlifyConfigSchema, versionPattern } from './config.ts'
import { openTarget } from './target.ts'

/** A Netlify site: its published deploy is what serves. */
const netlify: TargetModule<NetlifyConfig> = {
  configSchema: netlifyConfigSchema,
  version: { pattern: versionPattern, says: 'a deploy id, the beginning of a commit, or a version of deploy.json' },
  open: openTarget
}

export default netlify as TargetModule
