import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, messageOf } from '../../../support/errors.ts'

export interface TlsMaterial {
  ca?: Buffer
  cert?: Buffer
  key?: Buffer
  rejectUnauthorized: boolean
}

/**
 * Reads ca.pem, cert.pem and key.pem of a folder; those that are missing are left out.
 * @throws ConfigError when one is there and cannot be read.
 */
export async function tlsFrom(folder: string, rejectUnauthorized: boolean): Promise<TlsMaterial> {
  const [ca, cert, key] = await Promise.all(['ca.pem', 'cert.pem', 'key.pem'].map((name) => pem(join(folder, name))))
  return { rejectUnauthorized, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
}

async function pem(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new ConfigError({
      what: 'A certificate or key for the Docker engine cannot be read',
      why: messageOf(error),
      next: `Make ${path} readable.`,
      code: 'engine_tls',
      cause: error
    })
  }
}

/** Still tells the right engine from another one, and shows no certificate of the user's. */
export const withoutKeys = (tls: TlsMaterial | null): TlsMaterial | null =>
  tls && { rejectUnauthorized: tls.rejectUnauthorized, ...(tls.ca && { ca: tls.ca }) }

/**
 * TLS as the environment asks for it: DOCKER_TLS_VERIFY or DOCKER_TLS set to anything, files from DOCKER_CERT_PATH, else from the
 * folder of the Docker configuration (docs.docker.com/engine/security/protect-access).
 */
export async function tlsOfEnvironment(env: NodeJS.ProcessEnv, configFolder: string): Promise<TlsMaterial | null> {
  if (!env.DOCKER_TLS_VERIFY && !env.DOCKER_TLS) return null
  return tlsFrom(env.DOCKER_CERT_PATH || configFolder, Boolean(env.DOCKER_TLS_VERIFY))
}
