import { z } from 'zod'
import type { Answer } from '../../http/answer.ts'
import { mebibyte } from '../../http/body.ts'
import { orElse, TargetError } from '../../support/errors.ts'
import { parseOutsideJson } from '../../support/nesting.ts'
import { explain, isNetworkFailure, statusOf } from './failure.ts'
import { escapedName } from './names.ts'
import { type DistTags, distTagsSchema, type Packument, packumentSchema } from './packument.ts'
import { type RegistryRequest, registryRequests } from './registry-request.ts'
import type { NpmSettings } from './settings.ts'

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
  /** Rights by user; null where the registry does not say. */
  collaborators(signal: AbortSignal): Promise<Record<string, string> | null>
  /** Reads a tarball, up to a limit. */
  tarball(url: string, request: Pick<RegistryRequest, 'signal' | 'sink' | 'maxBytes' | 'limitMs'>): Promise<Answer>
  /** One plain request below the registry's own address. */
  get(url: string, signal: AbortSignal): Promise<Answer>
}

export interface Write {
  signal: AbortSignal
  otp?: string
}

/** The documents of packages with thousands of versions have some 40 MB. */
const maxDocument = 64 * mebibyte

export function openRegistry(settings: NpmSettings): Registry {
  const { name, registry, logins } = settings
  const send = registryRequests(settings)
  const path = escapedName(name)
  const tags = `-/package/${path}/dist-tags`
  const uncached = { 'cache-control': 'no-cache', pragma: 'no-cache' }

  const read = async <T>(uri: string, schema: z.ZodType<T>, signal: AbortSignal, maxBytes?: number): Promise<T> => {
    const { body } = await send(`${registry}${uri}`, { signal, headers: uncached, ...(maxBytes && { maxBytes }) })
    return schema.parse(parseOutsideJson(body.toString('utf8')))
  }

  const readOf = async <T>(
    uri: string,
    schema: z.ZodType<T>,
    what: string,
    signal: AbortSignal,
    maxBytes?: number
  ): Promise<T> => {
    try {
      return await read(uri, schema, signal, maxBytes)
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof z.ZodError || error instanceof SyntaxError
        ? notARegistry(`Reading ${what}`, registry, error)
        : explain(error, `Reading ${what}`, registry, logins)
    }
  }

  const write = async (method: 'PUT' | 'DELETE', uri: string, content: unknown, { signal, otp }: Write) => {
    await send(`${registry}${uri}`, {
      method,
      signal,
      ...(content !== undefined && { body: JSON.stringify(content) }),
      headers: {
        ...(content !== undefined && { 'content-type': 'application/json' }),
        ...(otp && { 'npm-otp': otp })
      }
    })
  }

  return {
    url: registry,
    distTags: (signal) => readOf(tags, distTagsSchema, `the dist-tags of ${name}`, signal),
    packument: (signal) => readOf(path, packumentSchema, name, signal, maxDocument),
    document: (signal) => readOf(`${path}?write=true`, z.record(z.string(), z.unknown()), name, signal, maxDocument),
    putDocument: (document, how) => write('PUT', path, document, how),
    putTag: (tag, version, how) => write('PUT', `${tags}/${encodeURIComponent(tag)}`, version, how),
    deleteTag: (tag, how) => write('DELETE', `${tags}/${encodeURIComponent(tag)}`, undefined, how),
    hasCredentials() {
      const { token, auth, cert } = logins.to(`${registry}${path}`)
      return Boolean(token || auth || cert)
    },
    async whoami(signal) {
      try {
        return (await read('-/whoami', whoamiSchema, signal)).username ?? null
      } catch (error) {
        signal.throwIfAborted()
        if (statusOf(error) === 401 || isNetworkFailure(error))
          throw explain(error, 'Asking the registry who is logged in', registry)
        return null
      }
    },
    collaborators: (signal) =>
      orElse(signal, read(`-/package/${path}/collaborators`, collaboratorsSchema, signal), () => null),

    tarball: (url, request) => send(url, { ...request, cut: true }),
    get: (url, signal) => send(url, { signal, headers: uncached })
  }
}

const whoamiSchema = z.looseObject({ username: z.string().optional().catch(undefined) })
const collaboratorsSchema = z.record(z.string(), z.string())

const notARegistry = (doing: string, registry: string, cause: unknown): TargetError =>
  new TargetError({
    what: `${doing} failed`,
    why: `${registry} answered as no npm registry does`,
    next: 'Check `config.registry` in deploy.json and `registry` in the npm configuration.',
    code: 'not_a_registry',
    cause
  })
