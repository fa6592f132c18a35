import { basename, dirname } from 'node:path'
import { readComposeFiles } from './files.ts'

/** The name that Compose gives to the project of files: the environment's, the files' own, else the folder's (compose-go, loader). */
export async function composeProjectName(files: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const named = (await readComposeFiles(files)).findLast(({ name }) => name !== null)?.name
  const ofFolder = basename(dirname(files[0] ?? ''))
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '')
  return env.COMPOSE_PROJECT_NAME || named || ofFolder
}
