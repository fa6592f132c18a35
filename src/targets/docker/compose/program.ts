import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { TargetError } from '../../../support/errors.ts'
import { absoluteFolders } from '../../../support/program-env.ts'
import { quoteTail } from '../../../support/quote.ts'
import { runProgram } from '../../../support/run-program.ts'
import { quoted } from '../../../support/text.ts'
import type { DockerContext } from '../context.ts'
import { mentionedVariables } from './variables.ts'

/** Folders in which the Docker command looks for its plugins. */
const pluginFolders = ['/usr/local/lib', '/usr/local/libexec', '/usr/lib', '/usr/libexec'].map((folder) =>
  join(folder, 'docker/cli-plugins')
)

/** The Compose v2 program: the Docker command's plugin, else `docker-compose` on the PATH; null when there is none. */
export async function findCompose(env: NodeJS.ProcessEnv): Promise<string | null> {
  const own = join(env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker'), 'cli-plugins')
  const folders = [own, ...pluginFolders, ...absoluteFolders(env.PATH ?? '')]
  for (const folder of folders) {
    const path = join(folder, 'docker-compose')
    const works = await access(path, constants.X_OK).then(
      () => true,
      () => false
    )
    if (works) return path
  }
  return null
}

interface Settings extends Pick<DockerContext, 'env' | 'config' | 'projectDir' | 'mask'> {
  engine: Pick<DockerContext['engine'], 'trusted'>
}

/** Compose finds the engine by the same settings as the Docker command. */
const engineSettings = ({ config, engine }: Pick<Settings, 'config' | 'engine'>): NodeJS.ProcessEnv => {
  const { host, docker_context: context } = config
  const withoutKeys = { DOCKER_TLS: '', DOCKER_TLS_VERIFY: '', DOCKER_CERT_PATH: '' }
  if (host) return { DOCKER_HOST: host, ...(!engine.trusted && withoutKeys) }
  return context ? { DOCKER_CONTEXT: context, DOCKER_HOST: '' } : {}
}

/** A file that includes another from a server would have it fetched with the user's logins (docs.docker.com/reference/compose-file/include). */
export const onlyLocalFiles = { COMPOSE_EXPERIMENTAL_GIT_REMOTE: 'false', COMPOSE_EXPERIMENTAL_OCI_REMOTE: 'false' }

/** Calls Compose, on the engine of this target; `input` is what it reads as the file "-". @throws TargetError with what it said. */
export async function callCompose(
  docker: Settings,
  program: string,
  args: string[],
  { signal, input, limitMs }: { signal: AbortSignal; input?: string; limitMs: number }
): Promise<string> {
  const files = args.flatMap((arg, at) =>
    /^--(env-)?file$/.test(args[at - 1] ?? '') ? [resolve(docker.projectDir, arg)] : []
  )
  const result = await runProgram(program, args, {
    env: docker.env,
    variables: {
      ...(await mentionedVariables(files, docker.env)),
      ...engineSettings(docker),
      ...onlyLocalFiles,
      COMPOSE_ANSI: 'never'
    },
    cwd: docker.projectDir,
    signal,
    limitMs,
    ...(input !== undefined && { input })
  })
  if (result.ok) return result.stdout
  const said = result.stderr.trim()
  throw new TargetError({
    what: 'Docker Compose failed',
    why: said ? quoted(quoteTail(docker.mask, said, 600), 640) : (result.problem ?? `exit code ${result.exitCode}`),
    state: 'It may have done a part of its work.',
    next: 'Run docker compose to see its whole answer, then assess again.',
    code: 'compose_failed'
  })
}
