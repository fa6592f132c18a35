import { setMaxListeners } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { tryOutsideJson } from '../../../support/nesting.ts'
import { quoted } from '../../../support/text.ts'
import { EngineError, notUnderstood, unreachable } from './engine.ts'
import type { Transport } from './transport.ts'

/** One call of the engine's API. */
export interface Call {
  /** What it tries, for errors: "inspect the container web". */
  doing: string
  /** What is made of the answer; a stream is read by the caller. */
  answer: 'json' | 'bytes' | 'stream' | 'nothing'
  signal: AbortSignal
  /** Milliseconds until the answer begins. Default: 30,000. */
  limitMs?: number
  headers?: Record<string, string>
  /** Bytes that the answer may have. Default: 64 MiB. */
  maxBytes?: number
  /** A longer answer is cut off there instead of refused. */
  cut?: boolean
  /** On a new connection: an engine that shuts down takes none, and answers on the old ones until its end. */
  isNew?: boolean
}

/** What dockerode tells its modem of a call. */
interface Dialed {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'
  /** Ends with "?" where `options` are a query. */
  path: string
  options?: (Record<string, unknown> & { _query?: Record<string, unknown>; _body?: unknown }) | null
  /** A tar archive. */
  file?: Buffer
}

/** The part of a modem that dockerode uses. */
export interface Modem {
  dial(asked: Dialed, done: (error: unknown, answer?: unknown) => void): void
}

const mebibyte = 1024 * 1024

/**
 * Carries one call of dockerode. Its own modem completes its settings from DOCKER_HOST of this process, follows redirects, takes 304 for
 * an error, parses all that looks like JSON, cannot abort every call, and keeps answers of any length in memory.
 */
export const modemFor = (transport: Transport, apiVersion: string | null, call: Call): Modem => ({
  dial(asked, done) {
    exchange(transport, apiVersion, call, asked).then(
      (answer) => done(null, answer),
      (error: unknown) => done(error)
    )
  }
})

async function exchange(transport: Transport, apiVersion: string | null, call: Call, asked: Dialed): Promise<unknown> {
  const { address } = transport
  const prefix = apiVersion === null ? '' : `/v${apiVersion}`
  const answer = await begin(transport, call, {
    method: asked.method,
    path: prefix + pathOf(asked),
    body: bodyOf(asked)
  })
  try {
    const status = answer.statusCode ?? 0
    if (status >= 400) throw new EngineError(status, messageIn(await read(answer, call)), call.doing, address)
    if (call.answer === 'stream') return answer
    const bytes = await read(answer, call)
    return call.answer === 'json' ? objectIn(bytes, call, address) : bytes
  } catch (error) {
    answer.destroy()
    call.signal.throwIfAborted()
    throw error instanceof TooLong ? notUnderstood(call.doing, error.message, address) : unreachable(error, address)
  }
}

interface Request {
  method: Dialed['method']
  path: string
  body: Buffer | string | null
}

/**
 * Sends the request and waits for the answer to begin. The call's signal ends the answer, too; so does its limit, unless it is a stream:
 * an engine that waits for something begins to answer at once.
 */
async function begin(transport: Transport, call: Call, request: Request): Promise<http.IncomingMessage> {
  const { signal, limitMs = 30_000 } = call
  signal.throwIfAborted()
  // Many calls at once share one signal.
  setMaxListeners(0, signal)
  const stop = new AbortController()
  const abort = (): void => stop.abort(signal.reason)
  signal.addEventListener('abort', abort)
  const forget = (): void => signal.removeEventListener('abort', abort)
  let timedOut = false
  const limit = setTimeout(() => {
    timedOut = true
    stop.abort(new Error('no answer in time'))
  }, limitMs)
  try {
    const answer = await send(transport, call, request, stop.signal)
    answer.once('close', forget)
    if (call.answer === 'stream') clearTimeout(limit)
    else answer.once('close', () => clearTimeout(limit))
    return answer
  } catch (error) {
    clearTimeout(limit)
    forget()
    signal.throwIfAborted()
    throw unreachable(error, transport.address, timedOut)
  }
}

function send(
  transport: Transport,
  call: Call,
  { method, path, body }: Request,
  signal: AbortSignal
): Promise<http.IncomingMessage> {
  const headers = {
    host: 'docker',
    ...call.headers,
    ...(body !== null && {
      'content-type': Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json',
      'content-length': Buffer.byteLength(body)
    })
  }
  return new Promise((resolve, reject) => {
    const client = transport.secure ? https : http
    const agent = call.isNew && transport.once ? { agent: transport.once() } : {}
    const request = client.request({ ...transport.request, ...agent, method, path, headers, signal }, resolve)
    request.on('error', (error) => reject(signal.aborted ? signal.reason : error))
    request.end(body)
  })
}

function bodyOf({ method, path, options, file }: Dialed): Buffer | string | null {
  if (file) return file
  if (method !== 'POST' || !options) return null
  // What dockerode hands over as a query alone is no body.
  const body = '_body' in options ? options._body : path.endsWith('?') ? undefined : options
  return body === undefined ? null : JSON.stringify(body)
}

function pathOf({ path, options }: Dialed): string {
  if (!path.endsWith('?')) return path
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(options?._query ?? (options && '_body' in options ? {} : (options ?? {}))))
    if (value !== undefined) query.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value))
  return query.size > 0 ? path + query : path.slice(0, -1)
}

class TooLong extends Error {}

/** An engine that sends without end must not fill the memory. */
const read = (answer: Readable, { maxBytes = 64 * mebibyte, cut = false }: Call): Promise<Buffer> =>
  buffer(upTo(maxBytes, answer, cut))

async function* upTo(maxBytes: number, stream: Readable, cut: boolean): AsyncGenerator<Buffer> {
  let left = maxBytes
  for await (const chunk of stream) {
    const bytes: Buffer = chunk
    if (bytes.length > left && !cut) throw new TooLong(`it is longer than ${maxBytes} bytes`)
    yield bytes.subarray(0, left)
    left -= bytes.length
    if (left < 0) return
  }
}

function objectIn(bytes: Buffer, { doing }: Call, address: string): object {
  const value = tryOutsideJson(bytes.toString('utf8'))
  if (typeof value === 'object' && value !== null) return value
  throw notUnderstood(
    doing,
    `it is not JSON, or is nested too deep: ${quoted(bytes.toString('utf8', 0, 100), 100)}`,
    address
  )
}

function messageIn(bytes: Buffer): string {
  const value = tryOutsideJson(bytes.toString('utf8'))
  const isObject = typeof value === 'object' && value !== null
  return isObject && 'message' in value && typeof value.message === 'string' ? value.message : bytes.toString('utf8')
}
