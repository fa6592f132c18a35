import { z } from 'zod'
import type { JsonValue } from '../model/json.ts'
import type { Clock } from '../support/clock.ts'
import { TargetError } from '../support/errors.ts'
import type { Logger } from '../support/log.ts'
import type { Mask } from '../support/mask.ts'
import { parseOutsideJson } from '../support/nesting.ts'
import { duration, oneLine } from '../support/text.ts'
import { type Answer, type Headers, headerOf, type Said } from './answer.ts'
import { type Doing, explainNetwork, explainStatus, isTransient, type Meaning, statusOf } from './failure.ts'
import { proxyAgent } from './proxy.ts'
import { type RequestOptions, requestAlong } from './request.ts'
import { type Attempt, pause, retrying, waitAsked } from './retry.ts'

/** What every request works with. */
export interface HttpContext {
  env: NodeJS.ProcessEnv
  clock: Clock
  mask: Mask
  log: Logger
}

export interface HttpSettings extends HttpContext {
  /** How people call the other side: "GitHub". */
  service: string
  /** Where every path starts, without a slash at the end. Credentials are sent to its origin alone. */
  base: string
  /** The whole value of the Authorization header; registered with the mask by the code that read it. */
  authorization?: string
  headers?: Record<string, string>
  meaning?: Meaning
}

export interface HttpRequest<T> {
  /** What is tried, for errors: "Reading the releases of acme/app". */
  doing: string
  /** Below the base, or a whole address on the same origin. */
  path: string
  schema: z.ZodType<T>
  signal: AbortSignal
  method?: RequestOptions['method']
  query?: Record<string, string | number | boolean | undefined>
  body?: JsonValue
  headers?: Record<string, string>
  /** Reads an answer that is not JSON; what it gives goes through the schema. */
  decode?(text: string, headers: Headers): unknown
  /** May be sent twice without harm; GET always may. */
  repeatable?: boolean
  /** What is so on the target when this fails: "Nothing was changed" unless said. */
  state?: string
}

export interface HttpAnswer<T> {
  status: number
  headers: Headers
  body: T
}

export interface Http {
  readonly base: string
  /**
   * One request, its answer parsed by the schema. What may be repeated is tried again after failures that may be over in a moment;
   * limits of the other side are waited for where that is short.
   * @throws ConfigError for 401; TargetError otherwise, with `statusOf(error)` where there was an answer.
   */
  json<T>(request: HttpRequest<T>): Promise<HttpAnswer<T>>
  /** The body of its answer alone. */
  read<T>(request: HttpRequest<T>): Promise<T>
  /** The same; null for 404. */
  find<T>(request: HttpRequest<T>): Promise<T | null>
}

const maxRefusal = 65_536
const maxRedirects = 3

/**
 * A client of one platform's API: JSON in and out, nothing cached.
 * @throws ConfigError for a proxy variable that is no address.
 */
export function openHttp(settings: HttpSettings): Http {
  const { base, clock, env, log, mask, service } = settings
  const { origin } = new URL(base)
  proxyAgent(env)

  /** Gives the answer, or throws what is wrong with it, when the attempt is the last one. */
  async function attempt<T>(request: HttpRequest<T>, count: number): Promise<Attempt<() => HttpAnswer<T>>> {
    const repeatable = request.repeatable ?? (request.method ?? 'GET') === 'GET'
    const fails = (error: unknown) => () => {
      throw error
    }
    let answer: Answer
    try {
      answer = await send(request)
    } catch (error) {
      request.signal.throwIfAborted()
      const again = repeatable && isTransient(error) ? pause(count) : undefined
      return { result: fails(explainNetwork(error, request, service, mask)), again }
    }
    const { status, headers, body } = answer
    if (status >= 200 && status < 300) return { result: () => parsed(request, answer) }
    const said: Said = { status, headers, text: refusalText(body, mask) }
    const wait = waitAsked(said, clock.now())
    const usual = repeatable && status >= 500 ? pause(count) : undefined
    return {
      result: fails(explainStatus(said, wait, request, settings)),
      again: wait !== null && (repeatable || status !== 503) ? wait : usual
    }
  }

  async function send<T>(request: HttpRequest<T>): Promise<Answer> {
    const { method = 'GET', body, signal } = request
    const options: Omit<RequestOptions, 'signal'> = {
      env,
      method,
      headers: {
        accept: 'application/json',
        'cache-control': 'no-cache',
        ...settings.headers,
        ...request.headers,
        ...(settings.authorization && { authorization: settings.authorization }),
        ...(body !== undefined && { 'content-type': 'application/json' })
      },
      ...(body !== undefined && { body: JSON.stringify(body) })
    }
    const mayGo = (to: URL): true => {
      if (to.origin === origin) return true
      throw redirected(
        request,
        `${service} sent the request on to another host, ${oneLine(to.host, 80)}; it was not followed, because that would take the credentials there`,
        'Check the address of the API in deploy.json and in the environment, and any proxy in between.'
      )
    }
    const start = addressOf(request, base)
    mayGo(start)
    const { answer, next } = await requestAlong(
      start,
      { signal, limitMs: 20_000 },
      () => options,
      (to, { status }) => {
        if (keepsMethod(status, method)) return mayGo(to)
        throw redirected(
          request,
          `${service} answered ${status} and names another address, to which a change cannot be sent again safely`,
          'Check the address of the API and the names in deploy.json: something was moved or renamed.'
        )
      },
      maxRedirects
    )
    if (!next) return answer
    throw redirected(
      request,
      `${service} sent the request around in redirects`,
      'Check the address of the API in deploy.json and in the environment.'
    )
  }

  function parsed<T>(request: HttpRequest<T>, { status, headers, body }: Answer): HttpAnswer<T> {
    const { doing, schema, state, decode } = request
    const text = body.toString('utf8')
    try {
      const value: unknown = decode ? decode(text, headers) : text === '' ? null : parseOutsideJson(text)
      return { status, headers, body: schema.parse(value) }
    } catch (error) {
      const type = oneLine(headerOf(headers, 'content-type') ?? 'no type', 60)
      throw new TargetError({
        what: `${doing} failed`,
        why:
          error instanceof z.ZodError
            ? `${service} answered with other data than expected (${problemsOf(error, mask)})`
            : `${service} did not answer with JSON (${type}: "${oneLine(mask.text(text.slice(0, 400)), 80)}")`,
        ...(state && { state }),
        next: `Check that ${new URL(base).host} is the address of ${service}'s API and that no login page or proxy answers in its place.`,
        code: 'unexpected_answer',
        cause: error
      })
    }
  }

  async function json<T>(request: HttpRequest<T>): Promise<HttpAnswer<T>> {
    const waits = (ms: number): void => log('debug', `${request.doing}: trying again in ${duration(ms)}`)
    const finish = await retrying((count) => attempt(request, count), { clock, signal: request.signal, waits })
    return finish()
  }

  return {
    base,
    json,
    read: async (request) => (await json(request)).body,
    async find(request) {
      try {
        return (await json(request)).body
      } catch (error) {
        if (statusOf(error) === 404) return null
        throw error
      }
    }
  }
}

/** The part of a refusal that is looked into, masked within its JSON, so that it stays JSON. */
function refusalText(body: Buffer, mask: Mask): string {
  const part = body.toString('utf8', 0, maxRefusal)
  try {
    return JSON.stringify(mask.data(parseOutsideJson(part)))
  } catch {
    return mask.text(part)
  }
}

function addressOf({ path, query = {} }: HttpRequest<unknown>, base: string): URL {
  const url = new URL(/^https?:\/\//.test(path) ? path : `${base}${path}`)
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value))
  return url
}

const problemsOf = (error: z.ZodError, mask: Mask): string =>
  oneLine(
    mask.text(
      error.issues
        .slice(0, 5)
        .map(({ path, message }) => `${path.join('.') || 'answer'}: ${message}`)
        .join('; ')
    ),
    200
  )

/** RFC 9110, 15.4: a POST may become a GET after 301 and 302, and everything does after 303; what is not repeated as it was is not sent. */
const keepsMethod = (status: number, method: string): boolean =>
  method === 'GET' || status === 307 || status === 308 || (method !== 'POST' && status !== 303)

const redirected = ({ doing, state }: Doing, why: string, next: string): TargetError =>
  new TargetError({ what: `${doing} failed`, why, ...(state && { state }), next, code: 'redirected' })
