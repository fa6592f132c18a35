import http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { messageOf, TargetError } from '../../../support/errors.ts'
import { oneLine } from '../../../support/text.ts'
import type { Transport } from './connect.ts'

export type Query = Record<string, string | number | boolean | undefined>

export interface CallOptions {
  query?: Query
  /** Sent as JSON, or as it is when a Buffer (a tar archive). */
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Milliseconds until the answer begins; 30 s unless told. */
  limitMs?: number
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'

/** One Docker engine, spoken to over its HTTP API (docs.docker.com/reference/api/engine). */
export interface Engine {
  readonly address: string
  readonly publishedHost: string
  /** The API version both sides know, such as "1.41". */
  apiVersion(signal?: AbortSignal): Promise<string>
  /** Asks, and checks the answer. @throws EngineError with the HTTP status, or TargetError `engine_unreachable`. */
  call<T>(method: Method, path: string, schema: z.ZodType<T>, options?: CallOptions): Promise<T>
  /** Acts where the answer does not matter. Gives the HTTP status (304: it was so already). */
  act(method: Method, path: string, options?: CallOptions): Promise<number>
  /** The answer's body as it comes: logs, events, progress of a pull, archives. */
  stream(method: Method, path: string, options?: CallOptions): Promise<Readable>
  close(): void
}

/** The engine answered with an error. */
export class EngineError extends TargetError {
  readonly status: number

  constructor(status: number, message: string, action: string, address: string) {
    super({
      what: `The Docker engine refused: ${action}`,
      why: oneLine(message, 500) || `HTTP ${status}`,
      next: `Look at the engine at ${address}: docker info.`,
      code: status === 404 ? 'not_found' : status === 409 ? 'conflict' : 'engine_refused',
      retryable: status >= 500
    })
    this.status = status
  }
}

export const isStatus = (error: unknown, ...statuses: number[]): boolean =>
  error instanceof EngineError && statuses.includes(error.status)

/** The newest API this program was written against; an older engine is spoken to in its own. */
const newestKnown = '1.48'

const versionSchema = z.looseObject({
  ApiVersion: z.string().regex(/^\d+\.\d+$/),
  MinAPIVersion: z.string().optional()
})

/** A client over a transport. Opens no connection before the first call. */
export function createEngine(transport: Transport): Engine {
  let version: Promise<string> | undefined

  const send = async (method: Method, path: string, options: CallOptions): Promise<http.IncomingMessage> => {
    const stop = new AbortController()
    const { signal } = options
    const onAbort = (): void => stop.abort(signal?.reason)
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort)
    let late = false
    const limit = setTimeout(() => {
      late = true
      stop.abort(new Error('no answer in time'))
    }, options.limitMs ?? 30_000)
    const forget = (): void => signal?.removeEventListener('abort', onAbort)
    try {
      const answer = await exchange(transport, method, path, options, stop.signal)
      answer.once('close', forget)
      return answer
    } catch (error) {
      forget()
      signal?.throwIfAborted()
      throw unreachable(error, transport.address, late)
    } finally {
      clearTimeout(limit)
    }
  }

  const apiVersion = (signal?: AbortSignal): Promise<string> => {
    version ??= (async () => {
      const answer = await send('GET', '/version', signal ? { signal } : {})
      const body = await textOf(answer)
      const parsed = versionSchema.safeParse(parseJson(body))
      if (!parsed.success)
        throw unreachable(new Error(`no engine answers there, but: ${oneLine(body, 100)}`), transport.address, false)
      const theirs = parsed.data.ApiVersion
      return compareVersions(theirs, newestKnown) < 0 ? theirs : newestKnown
    })().catch((error: unknown) => {
      version = undefined
      throw error
    })
    return version
  }

  const request = async (method: Method, path: string, options: CallOptions = {}): Promise<http.IncomingMessage> => {
    const prefix = `/v${await apiVersion(options.signal)}`
    const answer = await send(method, prefix + withQuery(path, options.query), options)
    const status = answer.statusCode ?? 0
    if (status < 400) return answer
    throw new EngineError(status, errorMessage(await textOf(answer)), `${method} ${path}`, transport.address)
  }

  const textOf = async (answer: Readable): Promise<string> => {
    try {
      return await text(answer)
    } catch (error) {
      throw brokenOff(error, transport.address)
    }
  }

  return {
    address: transport.address,
    publishedHost: transport.publishedHost,
    apiVersion,
    async call(method, path, schema, options) {
      const answer = await request(method, path, options)
      const body = await textOf(answer)
      const parsed = schema.safeParse(body === '' ? undefined : parseJson(body))
      if (parsed.success) return parsed.data
      throw new TargetError({
        what: `The Docker engine's answer to ${method} ${path} is not understood`,
        why: oneLine(z.prettifyError(parsed.error), 300),
        next: `Check what answers at ${transport.address}: docker version.`,
        code: 'engine_answer'
      })
    },
    async act(method, path, options) {
      const answer = await request(method, path, options)
      await textOf(answer)
      return answer.statusCode ?? 0
    },
    stream: request,
    close: () => transport.close()
  }
}

function exchange(
  transport: Transport,
  method: Method,
  path: string,
  options: CallOptions,
  signal: AbortSignal
): Promise<http.IncomingMessage> {
  const raw = Buffer.isBuffer(options.body)
  const payload = options.body === undefined ? undefined : raw ? (options.body as Buffer) : JSON.stringify(options.body)
  const headers: Record<string, string | number> = { host: 'docker', ...options.headers }
  if (payload !== undefined) {
    headers['content-type'] = raw ? 'application/x-tar' : 'application/json'
    headers['content-length'] = Buffer.byteLength(payload)
  } else if (method === 'POST') headers['content-length'] = 0
  return new Promise((resolve, reject) => {
    const sender = transport.secure ? https : http
    const request = sender.request({ ...transport.request, method, path, headers, signal }, resolve)
    request.on('error', (error) => reject(signal.aborted ? signal.reason : error))
    request.end(payload)
  })
}

function unreachable(error: unknown, address: string, timedOut: boolean): TargetError {
  if (error instanceof TargetError) return error
  const code = (error as NodeJS.ErrnoException).code
  const denied = code === 'EACCES' || code === 'EPERM'
  return new TargetError({
    what: 'The Docker engine cannot be reached',
    why: timedOut ? `${address} did not answer in time` : `${address}: ${oneLine(messageOf(error))}`,
    state: 'Unknown, for the engine did not answer.',
    next: denied
      ? 'Run as a user who may use the engine (group docker), or set DOCKER_HOST.'
      : 'Start the engine, or point DOCKER_HOST or `host` in the configuration at the right one.',
    code: 'engine_unreachable',
    retryable: !denied,
    cause: error
  })
}

/** An answer that ended before its end: the engine went away. */
export const brokenOff = (error: unknown, address: string): TargetError => unreachable(error, address, false)

async function text(answer: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function errorMessage(body: string): string {
  const parsed = parseJson(body) as { message?: unknown } | undefined
  return typeof parsed?.message === 'string' ? parsed.message : body
}

function withQuery(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encodeURIComponent(String(value))}`]
  )
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

function compareVersions(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number)
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number)
  return aMajor - bMajor || aMinor - bMinor
}
