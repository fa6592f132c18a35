import { basename, dirname } from 'node:path'
import { readComposeFiles } from './files.ts'

/** The name that Compose gives to the project of a file: the environment's, the file's own, else the folder's (compose-go, loader). */
export async function composeProjectName(file: string, env: NodeJS.ProcessEnv): Promise<string> {
  const [read] = await readComposeFiles([file])
  const ofFolder = basename(dirname(file))
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '')
  return env.COMPOSE_PROJECT_NAME || read?.name || ofFolder
}
