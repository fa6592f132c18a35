import { request as send } from 'undici'
import { z } from 'zod'
import type { JsonValue } from '../model/json.ts'
import type { Clock } from '../support/clock.ts'
import { TargetError } from '../support/errors.ts'
import type { Logger } from '../support/log.ts'
import type { Mask } from '../support/mask.ts'
import { oneLine } from '../support/text.ts'
import { attempts, longestWaitMs, pause } from './again.ts'
import { readCapped } from './body.ts'
import { explainNetwork, explainStatus, isTransient, type Said, statusOf } from './failure.ts'
import { type Headers, headerOf } from './headers.ts'
import { proxyAgent } from './proxy.ts'
import { waitAsked } from './rate-limit.ts'

export interface HttpSettings {
  /** How people call the other side: "GitHub". */
  service: string
  /** Where every path starts, without a slash at the end. Credentials are sent to its origin alone. */
  base: string
  /** The whole value of the Authorization header; registered with the mask by whoever read it. */
  authorization?: string
  headers?: Record<string, string>
  env: NodeJS.ProcessEnv
  clock: Clock
  mask: Mask
  log: Logger
  /** What a refusal means on this platform, where it is more than the status says. */
  meaning?(said: Said): { why?: string; next?: string; code?: string } | undefined
}

export interface HttpRequest<T> {
  /** What is tried, for errors: "Reading the releases of acme/app". */
  doing: string
  /** Below the base, or a whole address on the same origin. */
  path: string
  schema: z.ZodType<T>
  signal: AbortSignal
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
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
   * One request, its answer parsed by the schema. What may be repeated is tried again after failures that pass by themselves; limits of
   * the other side are waited for where that is short.
   * @throws ConfigError for 401; TargetError otherwise, with `statusOf(error)` where there was an answer.
   */
  json<T>(request: HttpRequest<T>): Promise<HttpAnswer<T>>
  /** The same; null for 404. */
  found<T>(request: HttpRequest<T>): Promise<HttpAnswer<T> | null>
  close(): Promise<void>
}

const answerWithinMs = 20_000
const maxBytes = 8 * 1024 * 1024
const mostOfRefusal = 65_536
const maxRedirects = 3

/** A client of one platform's API: JSON in and out, nothing cached, proxies taken from the environment. */
export function openHttp(settings: HttpSettings): Http {
  const { base, clock, env, log, mask, service } = settings
  const agent = proxyAgent(env)
  const origin = new URL(base).origin

  async function json<T>(request: HttpRequest<T>): Promise<HttpAnswer<T>> {
    const method = request.method ?? 'GET'
    const repeatable = request.repeatable ?? method === 'GET'
    let waited = 0
    for (let attempt = 1; ; attempt++) {
      let answered: Answered
      try {
        answered = await once(request, method)
      } catch (error) {
        request.signal.throwIfAborted()
        if (!repeatable || attempt === attempts || !isTransient(error))
          throw explainNetwork(error, request, service, mask)
        log('debug', `${request.doing}: ${oneLine(String(error))}; trying again`)
        await clock.sleep(pause(attempt), request.signal)
        continue
      }
      if (answered.status >= 200 && answered.status < 300) return parsed(request, answered)
      const said: Said = { ...answered, text: refusalText(answered.text, mask) }
      const wait = waitAsked(said, clock.now())
      if (
        wait !== null &&
        attempt < attempts &&
        waited + wait <= longestWaitMs &&
        (repeatable || said.status !== 503)
      ) {
        waited += wait
        log('info', `${service} asks to wait ${Math.ceil(wait / 1000)} s (${request.doing})`)
        await clock.sleep(wait, request.signal)
        continue
      }
      if (wait === null && repeatable && attempt < attempts && said.status >= 500) {
        await clock.sleep(pause(attempt), request.signal)
        continue
      }
      throw explainStatus(said, wait, request, settings)
    }
  }

  async function once<T>(request: HttpRequest<T>, method: NonNullable<HttpRequest<T>['method']>): Promise<Answered> {
    let url = addressOf(request, base)
    for (let hop = 0; ; hop++) {
      if (url.origin !== origin) throw elsewhere(request, service, url)
      const limit = AbortSignal.any([request.signal, AbortSignal.timeout(answerWithinMs)])
      const response = await send(url, {
        method,
        dispatcher: agent,
        signal: limit,
        headers: {
          accept: 'application/json',
          'cache-control': 'no-cache',
          'user-agent': `pop-deploy-rollback node/${process.versions.node}`,
          ...settings.headers,
          ...request.headers,
          ...(settings.authorization && { authorization: settings.authorization }),
          ...(request.body !== undefined && { 'content-type': 'application/json' })
        },
        ...(request.body !== undefined && { body: JSON.stringify(request.body) })
      })
      const text = await readCapped(response.body, maxBytes, limit)
      const { statusCode: status, headers } = response
      const location = headerOf(headers, 'location')
      if (!location || status < 300 || status >= 400) return { status, headers, text }
      if (!keepsMethod(status, method)) throw notRepeated(request, service, status)
      if (hop === maxRedirects || !URL.canParse(location, url.href)) throw lost(request, service)
      url = new URL(location, url)
    }
  }

  function parsed<T>(request: HttpRequest<T>, { status, headers, text }: Answered): HttpAnswer<T> {
    const { doing, schema, state, decode } = request
    try {
      const value: unknown = decode ? decode(text, headers) : text === '' ? null : JSON.parse(text)
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
        next: `Check that the address ${new URL(base).host} is that of ${service}'s API and no login page or proxy answers in its place.`,
        code: 'unexpected_answer',
        cause: error
      })
    }
  }

  return {
    base,
    json,
    async found(request) {
      try {
        return await json(request)
      } catch (error) {
        if (statusOf(error) === 404) return null
        throw error
      }
    },
    close: () => agent.close()
  }
}

interface Answered {
  status: number
  headers: Headers
  text: string
}

export { proxyAgent }

/** The part of a refusal that is looked into, masked within its JSON, so that it stays JSON. */
function refusalText(text: string, mask: Mask): string {
  const part = text.slice(0, mostOfRefusal)
  try {
    return JSON.stringify(mask.data(JSON.parse(part)))
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

const notRepeated = ({ doing, state }: HttpRequest<unknown>, service: string, status: number): TargetError =>
  new TargetError({
    what: `${doing} failed`,
    why: `${service} answered ${status} and names another address, to which a change cannot be sent again safely`,
    ...(state && { state }),
    next: 'Check the address of the API and the names in deploy.json: something was moved or renamed.',
    code: 'redirected'
  })

const elsewhere = ({ doing, state }: HttpRequest<unknown>, service: string, url: URL): TargetError =>
  new TargetError({
    what: `${doing} failed`,
    why: `${service} sent the request on to another host, ${oneLine(url.host, 80)}; it was not followed, for it would take the credentials there`,
    ...(state && { state }),
    next: 'Check the address of the API in deploy.json and in the environment, and any proxy in between.',
    code: 'redirected'
  })

const lost = ({ doing, state }: HttpRequest<unknown>, service: string): TargetError =>
  new TargetError({
    what: `${doing} failed`,
    why: `${service} sent the request around in redirects`,
    ...(state && { state }),
    next: 'Check the address of the API in deploy.json and in the environment.',
    code: 'redirected'
  })
