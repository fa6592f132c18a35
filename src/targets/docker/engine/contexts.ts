import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '../../../support/errors.ts'
import { parseOutsideJson } from '../../../support/nesting.ts'
import { type TlsMaterial, tlsFrom } from './tls.ts'

/** Where an engine is, and with which TLS material, as a Docker context says. */
export interface Endpoint {
  host: string
  tls: TlsMaterial | null
}

const metaSchema = z.looseObject({
  Endpoints: z.looseObject({
    docker: z.looseObject({ Host: z.string(), SkipTLSVerify: z.boolean().optional() })
  })
})

/** The folder of the Docker command's own configuration. */
export const configFolder = (env: NodeJS.ProcessEnv): string =>
  env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker')

/** The context that config.json names as the current one. A file that is missing or broken names none. */
export async function currentContext(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const config: unknown = parseOutsideJson(await readFile(join(configFolder(env), 'config.json'), 'utf8'))
    return z.looseObject({ currentContext: z.string().optional() }).parse(config).currentContext
  } catch {
    return undefined
  }
}

/**
 * Reads a context from the Docker command's store: contexts/meta/<sha256 of the name>/meta.json and contexts/tls beside it
 * (github.com/docker/cli, cli/context/store).
 * @throws ConfigError when there is no such context.
 */
export async function endpointOfContext(name: string, env: NodeJS.ProcessEnv): Promise<Endpoint> {
  const store = join(configFolder(env), 'contexts')
  const id = createHash('sha256').update(name).digest('hex')
  const meta = await readMeta(join(store, 'meta', id, 'meta.json'))
  if (!meta) throw noSuchContext(name, store)
  const { Host, SkipTLSVerify = false } = meta.Endpoints.docker
  const folder = join(store, 'tls', id, 'docker')
  const hasTls = await stat(folder).then(
    () => true,
    () => false
  )
  return { host: Host, tls: hasTls || SkipTLSVerify ? await tlsFrom(folder, !SkipTLSVerify) : null }
}

async function readMeta(path: string): Promise<z.infer<typeof metaSchema> | null> {
  try {
    return metaSchema.parse(parseOutsideJson(await readFile(path, 'utf8')))
  } catch {
    return null
  }
}

const noSuchContext = (name: string, store: string): ConfigError =>
  new ConfigError({
    what: `There is no Docker context "${name.slice(0, 80)}"`,
    why: `${store} has no context of that name with an engine`,
    next: 'Run docker context ls, and correct DOCKER_CONTEXT or `docker_context` in the configuration of the target.',
    code: 'no_docker_context'
  })
