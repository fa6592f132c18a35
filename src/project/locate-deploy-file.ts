import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ProjectPaths } from './paths.ts'

/** Where deploy.json is: in the project, else where CLAUDE_PLUGIN_DATA says; the project's place when there is none. */
export function locateDeployFile(
  paths: ProjectPaths,
  env: NodeJS.ProcessEnv
): { path: string; fromPluginData: boolean } {
  const elsewhere = env.CLAUDE_PLUGIN_DATA ? join(env.CLAUDE_PLUGIN_DATA, 'deploy.json') : ''
  const fromPluginData = elsewhere !== '' && !existsSync(paths.deployFile) && existsSync(elsewhere)
  return { path: fromPluginData ? elsewhere : paths.deployFile, fromPluginData }
}
