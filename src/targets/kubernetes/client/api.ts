import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { z } from 'zod'
import { readCapped, TooLarge } from '../../../http/body.ts'
import type { JsonValue } from '../../../model/json.ts'
import type { Clock } from '../../../support/clock.ts'
import { messageOf, RollbackError, TargetError } from '../../../support/errors.ts'
import { anySignal } from '../../../support/limit.ts'
import { tryOutsideJson } from '../../../support/nesting.ts'
import type { Access, Connection } from './connect.ts'
import { ApiFailure, isStatus, orOn, passes, unreachable } from './failure.ts'

type Query = Record<string, string | number | boolean | undefined>

export interface Request {
  /** What is tried, for errors: "Reading deployment/web". */
  doing: string
  path: string
  signal: AbortSignal
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  query?: Query
  body?: JsonValue
  contentType?: string
  accept?: string
}

const eventSchema = z.looseObject({ type: z.string(), object: z.unknown() })
export type WatchEvent = z.infer<typeof eventSchema>

export interface Api {
  readonly server: string
  /** One request; a read is repeated for a while when the server is away or busy. @throws ApiFailure, or TargetError `unreachable`. */
  send<T>(request: Request, schema: z.ZodType<T>): Promise<T>
  /** The same; null for 404. */
  find<T>(request: Request, schema: z.ZodType<T>): Promise<T | null>
  /** Every item of a list, page by page, and the version from which to watch. */
  list<T>(request: Request, item: z.ZodType<T>): Promise<{ items: T[]; resourceVersion: string }>
  /** Plain text: logs. Requested once, because it may be gone for good. */
  text(request: Request): Promise<string>
  /** Changes as they come, until the server ends it. @throws ApiFailure, TargetError. */
  watch(request: Request): AsyncGenerator<WatchEvent>
  /** The server's time by its last answer, otherwise ours; in milliseconds. */
  now(): number
  close(): void
}

export interface ApiLimits {
  /** How long an answer, or the first byte of a watch, may take. */
  answerMs: number
  /** How long one watch may live; the server ends it earlier. */
  watchMs: number
  /** How long an answer, or one line of a watch, may be. */
  maxBytes: number
}

const usualLimits: ApiLimits = { answerMs: 30_000, watchMs: 300_000, maxBytes: 64 * 1024 * 1024 }
const patienceMs = 20_000
const pageSize = 500

const listSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().optional(), continue: z.string().optional() }).default({}),
  items: z.array(z.unknown()).nullish()
})

/** A client for the few resources that this target needs: JSON in and out, over one connection pool. */
export function openApi(connection: Connection, clock: Clock, own: Partial<ApiLimits> = {}): Api {
  const limits = { ...usualLimits, ...own }
  const noAnswer = `no answer within ${limits.answerMs / 1000} s`
  let skewMs = Number.NEGATIVE_INFINITY

  /** A credential that the server refuses is renewed, once for each request. */
  async function open(request: Request): Promise<IncomingMessage> {
    const access = await connection.access()
    const answer = await sendOnce(request, access.options)
    if (answer.statusCode !== 401) return answer
    answer.resume()
    await access.refused()
    return sendOnce(request, (await connection.access()).options)
  }

  function sendOnce(request: Request, options: Access['options']): Promise<IncomingMessage> {
    const url = new URL(connection.server.href.replace(/\/$/, '') + request.path)
    for (const [name, value] of Object.entries(request.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value))
    const body = request.body === undefined ? undefined : JSON.stringify(request.body)
    return new Promise((resolve, reject) => {
      const send = url.protocol === 'http:' ? plainRequest : secureRequest
      const outgoing = send(
        url,
        {
          ...options,
          method: request.method ?? 'GET',
          signal: request.signal,
          headers: {
            ...options.headers,
            accept: request.accept ?? 'application/json',
            'user-agent': 'pop-deploy-rollback',
            ...(body !== undefined && {
              'content-type': request.contentType ?? 'application/json',
              'content-length': Buffer.byteLength(body)
            })
          }
        },
        (answer) => {
          const date = Date.parse(answer.headers.date ?? '')
          // The header is truncated to the second, so the largest difference is the most exact.
          if (date) skewMs = Math.max(skewMs, date - clock.now().getTime())
          resolve(answer)
        }
      )
      outgoing.on('error', (error) => {
        reject(request.signal.aborted ? request.signal.reason : unreachable(connection.server.host, error.message))
      })
      outgoing.end(body)
    })
  }

  async function once(request: Request): Promise<string> {
    const limit = AbortSignal.timeout(limits.answerMs)
    const signal = anySignal(request.signal, limit)
    try {
      const answer = await open({ ...request, signal })
      const text = await readCapped(answer, limits.maxBytes, signal)
      const status = answer.statusCode ?? 0
      if (status < 200 || status > 299) throw new ApiFailure(request.doing, status, tryOutsideJson(text))
      return text
    } catch (error) {
      request.signal.throwIfAborted()
      if (error instanceof RollbackError) throw error
      if (error instanceof TooLarge) throw tooLarge(request, error.message)
      throw unreachable(connection.server.host, limit.aborted ? noAnswer : messageOf(error))
    }
  }

  async function patiently(request: Request): Promise<string> {
    const until = clock.now().getTime() + patienceMs
    for (let wait = 200; ; wait = Math.min(wait * 2, 2000)) {
      try {
        return await once(request)
      } catch (error) {
        const repeatable = (request.method ?? 'GET') === 'GET' || isStatus(error, 429)
        if (!repeatable || !passes(error) || clock.now().getTime() > until) throw error
        await clock.sleep(wait, request.signal)
      }
    }
  }

  const send: Api['send'] = async (request, schema) =>
    understood(request, tryOutsideJson(await patiently(request)), schema)

  return {
    server: connection.server.host,
    send,
    find: (request, schema) => send(request, schema).catch(orOn(null, 404)),
    async list(request, item) {
      const items: z.infer<typeof item>[] = []
      for (let next: string | undefined; ; ) {
        const query = { limit: pageSize, ...request.query, continue: next }
        const page = await send({ ...request, query }, listSchema)
        for (const one of page.items ?? []) items.push(understood(request, one, item))
        next = page.metadata.continue
        if (!next) return { items, resourceVersion: page.metadata.resourceVersion ?? '' }
      }
    },
    text: once,
    async *watch(request) {
      const end = new AbortController()
      const signal = anySignal(request.signal, end.signal)
      let limit = setTimeout(() => end.abort(), limits.answerMs)
      let answer: IncomingMessage | null = null
      try {
        answer = await open({ ...request, signal, query: { ...request.query, watch: true } })
        const status = answer.statusCode ?? 0
        if (status !== 200)
          throw new ApiFailure(request.doing, status, tryOutsideJson(await readCapped(answer, limits.maxBytes, signal)))
        clearTimeout(limit)
        limit = setTimeout(() => end.abort(), limits.watchMs)
        let rest = ''
        for await (const chunk of answer.setEncoding('utf8')) {
          const lines = (rest + String(chunk)).split('\n')
          rest = lines.pop() ?? ''
          if (rest.length > limits.maxBytes) throw tooLarge(request, 'one change is longer than any object can be')
          for (const line of lines) {
            const { data: event } = eventSchema.safeParse(tryOutsideJson(line))
            if (event) yield event
          }
        }
      } catch (error) {
        request.signal.throwIfAborted()
        throw end.signal.aborted ? unreachable(connection.server.host, noAnswer) : error
      } finally {
        clearTimeout(limit)
        answer?.destroy()
      }
    },
    now: () => clock.now().getTime() + (Number.isFinite(skewMs) ? skewMs : 0),
    close: () => connection.close()
  }
}

/** @throws TargetError `bad_answer` for anything but such an object. */
export function understood<T>({ doing }: Pick<Request, 'doing'>, value: unknown, schema: z.ZodType<T>): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new TargetError({
    what: `${doing} failed`,
    why: `the answer has an unknown form: ${result.error.issues[0]?.path.join('.')} ${result.error.issues[0]?.message}`,
    next: checkAddress,
    code: 'bad_answer'
  })
}

const checkAddress = 'Check that the address is that of a Kubernetes API server.'

const tooLarge = ({ doing }: Pick<Request, 'doing'>, why: string): TargetError =>
  new TargetError({ what: `${doing} failed`, why, next: checkAddress, code: 'too_large' })
