import type { TargetContext } from '../target.ts'
import { type GitHub, openGitHub } from './api.ts'
import type { GitHubConfig } from './config.ts'
import { type GitHubSettings, settle } from './settings.ts'

/** What every part of the target works with. */
export interface GitHubContext extends TargetContext<GitHubConfig> {
  github: GitHub
  settings: GitHubSettings
}

/** @throws ConfigError when no repository is named, or a name or address is not valid. */
export async function openContext(given: TargetContext<GitHubConfig>): Promise<GitHubContext> {
  const settings = await settle(given)
  const { host, name, owner } = settings
  for (const shown of [`${owner}/${name}`, host]) given.mask.spare(shown)
  return { ...given, settings, github: openGitHub(settings, given) }
}
