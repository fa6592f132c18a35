/** The name that Compose gives to a project: the environment's, the file's own, else the folder's (compose-go, loader). */
export function projectName(name: string | null | undefined, folder: string, env: NodeJS.ProcessEnv): string {
  const ofFolder = folder
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '')
  return env.COMPOSE_PROJECT_NAME || name || ofFolder
}
