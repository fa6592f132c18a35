import fetch, { type RegistryResponse } from 'npm-registry-fetch'
import { z } from 'zod'
import { TargetError } from '../../support/errors.ts'
import { asHttpFailure, explain, isNetworkFailure, statusOf } from './failure.ts'
import { escapedName } from './names.ts'
import { type DistTags, distTagsSchema, type Packument, packumentSchema } from './packument.ts'
import type { NpmSettings } from './settings.ts'

const answerWithinMs = 15_000

/** The requests to one package's registry, never answered from a cache of this machine. */
export interface Registry {
  readonly url: string
  distTags(signal: AbortSignal): Promise<DistTags>
  packument(signal: AbortSignal): Promise<Packument>
  /** The whole document as the registry stores it, for changing and sending back. */
  document(signal: AbortSignal): Promise<Record<string, unknown>>
  putDocument(document: Record<string, unknown>, write: Write): Promise<void>
  putTag(tag: string, version: string, write: Write): Promise<void>
  deleteTag(tag: string, write: Write): Promise<void>
  hasCredentials(): boolean
  /** The name of the login; null where the registry does not say. @throws ConfigError when it refuses the login. */
  whoami(signal: AbortSignal): Promise<string | null>
  /** Rights by user; null where the registry does not tell. */
  collaborators(signal: AbortSignal): Promise<Record<string, string> | null>
  /** Opens a tarball; whoever asked reads or destroys it. */
  tarball(url: string, signal: AbortSignal): Promise<RegistryResponse>
  /** One plain request below the registry's own address. */
  get(url: string, signal: AbortSignal): Promise<RegistryResponse>
}

export interface Write {
  signal: AbortSignal
  otp?: string
}

export function openRegistry({ name, registry, options }: NpmSettings): Registry {
  const base = {
    ...options,
    registry,
    spec: undefined,
    scope: undefined,
    cache: undefined,
    offline: false,
    preferOffline: false,
    preferOnline: true,
    userAgent: `pop-deploy-rollback node/${process.versions.node}`,
    timeout: answerWithinMs
  }
  const path = escapedName(name)
  const tags = `-/package/${path}/dist-tags`
  const uncached = { 'cache-control': 'no-cache', pragma: 'no-cache' }

  const read = (uri: string, signal: AbortSignal, extra: Record<string, unknown> = {}): Promise<RegistryResponse> =>
    fetch(uri.startsWith('http') ? uri : `${registry}${uri}`, {
      ...base,
      retry: { retries: 1, minTimeout: 200 },
      headers: uncached,
      signal,
      ...extra
    })

  const readJson = async <T>(uri: string, schema: z.ZodType<T>, doing: string, signal: AbortSignal): Promise<T> => {
    try {
      return schema.parse(await (await read(uri, signal)).json())
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof z.ZodError || isBadJson(error)
        ? notARegistry(doing, registry, error)
        : explain(error, doing, registry)
    }
  }

  const write = async (method: 'PUT' | 'DELETE', uri: string, body: string | undefined, { signal, otp }: Write) => {
    const response = await fetch(`${registry}${uri}`, {
      ...base,
      method,
      retry: { retries: 0 },
      signal,
      ...(otp && { otp }),
      ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } })
    })
    await response.text()
  }

  return {
    url: registry,
    distTags: (signal) => readJson(tags, distTagsSchema, `Reading the dist-tags of ${name}`, signal),
    packument: (signal) => readJson(path, packumentSchema, `Reading ${name}`, signal),
    document: (signal) => readJson(`${path}?write=true`, z.record(z.string(), z.unknown()), `Reading ${name}`, signal),
    putDocument: (document, how) => write('PUT', path, JSON.stringify(document), how),
    putTag: (tag, version, how) => write('PUT', `${tags}/${encodeURIComponent(tag)}`, JSON.stringify(version), how),
    deleteTag: (tag, how) => write('DELETE', `${tags}/${encodeURIComponent(tag)}`, undefined, how),
    hasCredentials() {
      const { token, auth, cert } = fetch.getAuth(`${registry}${path}`, base)
      return Boolean(token || auth || cert || options.cert)
    },
    async whoami(signal) {
      try {
        const { username } = whoamiSchema.parse(await (await read('-/whoami', signal)).json())
        return username ?? null
      } catch (error) {
        signal.throwIfAborted()
        if (statusOf(error) === 401 || isNetworkFailure(error))
          throw explain(error, 'Asking the registry who is logged in', registry)
        return null
      }
    },
    async collaborators(signal) {
      try {
        return collaboratorsSchema.parse(await (await read(`-/package/${path}/collaborators`, signal)).json())
      } catch {
        signal.throwIfAborted()
        return null
      }
    },
    tarball: (url, signal) => read(url, signal, { headers: {} }),
    get: (url, signal) => read(url, signal, { retry: { retries: 0 } })
  }
}

const whoamiSchema = z.looseObject({ username: z.string().optional().catch(undefined) })
const collaboratorsSchema = z.record(z.string(), z.string())

const isBadJson = (error: unknown): boolean =>
  error instanceof SyntaxError ||
  asHttpFailure(error).code === 'EINVALIDJSON' ||
  asHttpFailure(error).type === 'invalid-json'

const notARegistry = (doing: string, registry: string, cause: unknown): TargetError =>
  new TargetError({
    what: `${doing} failed`,
    why: `${registry} gave an answer that no npm registry gives`,
    next: 'Check `config.registry` in deploy.json and `registry` in the npm configuration.',
    code: 'not_a_registry',
    cause
  })
