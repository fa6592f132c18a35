import type { TargetModule } from '../target.ts'
import { type GitHubConfig, githubConfigSchema } from './config.ts'
import { tagPattern } from './names.ts'
import { openTarget } from './target.ts'

/** The releases of a GitHub repository: the one marked as the latest is what serves. */
const githubReleases: TargetModule<GitHubConfig> = {
  configSchema: githubConfigSchema,
  version: { pattern: tagPattern, says: 'the tag of a release, such as v1.4.2' },
  open: openTarget
}

export default githubReleases as TargetModule
