import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { TargetError } from '../../../support/errors.ts'
import { quoteTail } from '../../../support/quote.ts'
import { oneLine } from '../../../support/text.ts'
import type { DockerContext } from '../context.ts'

/** Folders in which the Docker command looks for its plugins. */
const pluginFolders = ['/usr/local/lib', '/usr/local/libexec', '/usr/lib', '/usr/libexec'].map((folder) =>
  join(folder, 'docker/cli-plugins')
)

/** The Compose v2 program: the Docker command's plugin, else `docker-compose` on the PATH; null when there is none. */
export async function findCompose(env: NodeJS.ProcessEnv): Promise<string | null> {
  const own = join(env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker'), 'cli-plugins')
  const folders = [own, ...pluginFolders, ...(env.PATH ?? '').split(delimiter).filter(Boolean)]
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

/** Compose finds the engine by the same settings as the Docker command. */
const placeOf = ({ host, docker_context: context }: DockerContext['config']): NodeJS.ProcessEnv => {
  if (host) return { DOCKER_HOST: host }
  return context ? { DOCKER_CONTEXT: context, DOCKER_HOST: '' } : {}
}

/** Calls Compose, on the engine of this target; `input` is what it reads as the file "-". @throws TargetError with what it said. */
export async function callCompose(
  docker: DockerContext,
  program: string,
  args: string[],
  { signal, input }: { signal: AbortSignal; input?: string }
): Promise<string> {
  const env = { ...docker.env, ...placeOf(docker.config), COMPOSE_ANSI: 'never' }
  const { code, output, errors } = await new Promise<{ code: number | null; output: string; errors: string }>(
    (resolve, reject) => {
      const child = spawn(program, args, { env, cwd: docker.projectDir, signal })
      const out: Buffer[] = []
      const err: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
      child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
      child.on('error', reject)
      // it may end before it has read all of it; then its exit tells why
      child.stdin.on('error', () => {})
      child.stdin.end(input)
      child.on('close', (exit) =>
        resolve({ code: exit, output: String(Buffer.concat(out)), errors: String(Buffer.concat(err)) })
      )
    }
  )
  if (code === 0) return output
  throw new TargetError({
    what: 'Docker Compose failed',
    why: oneLine(quoteTail(docker.mask, errors.trim(), 600), 640) || `exit code ${code}`,
    state: 'What it had begun may stand half way; assess again to see.',
    next: 'Call docker compose by hand to see its whole answer.',
    code: 'compose_failed'
  })
}
