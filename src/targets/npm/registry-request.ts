import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { type Answer, headerOf } from '../../http/answer.ts'
import { mebibyte, TooLarge } from '../../http/body.ts'
import { isTransient } from '../../http/failure.ts'
import { agentWith } from '../../http/proxy.ts'
import { type RequestOptions, requestAlong } from '../../http/request.ts'
import { pause, retrying } from '../../http/retry.ts'
import { systemClock } from '../../support/clock.ts'
import { RegistryRefusal } from './failure.ts'
import type { Login } from './logins.ts'
import type { NpmSettings } from './settings.ts'

export type RegistryRequest = Pick<
  RequestOptions,
  'method' | 'headers' | 'body' | 'signal' | 'maxBytes' | 'cut' | 'sink' | 'limitMs'
>

/** Sends one request to a registry. @throws RegistryRefusal for a status from 400 on; what kept an answer away. */
export type SendToRegistry = (url: string, request: RegistryRequest) => Promise<Answer>

const usualMaxBytes = 4 * mebibyte
const limitMs = 30_000

/** Requests as the npm configuration has them: its logins, proxies and certificates. Reading is tried twice. */
export function registryRequests({ registry, options, logins, proxies }: NpmSettings): SendToRegistry {
  const connections = (certificate: Pick<Login, 'cert' | 'key'>): Dispatcher =>
    agentWith(proxies, {
      ...(options.ca ? { ca: [options.ca].flat().map(String) } : {}),
      ...certificate,
      rejectUnauthorized: options.strictSSL !== false
    })
  const { cert, key } = logins.to(registry)
  const elsewhere = connections({})
  const own = cert ? connections({ cert, key }) : elsewhere
  const { origin } = new URL(registry)

  const once = async (start: URL, { headers, signal, ...call }: RegistryRequest): Promise<Answer> => {
    const isRead = (call.method ?? 'GET') === 'GET'
    const maxBytes = call.maxBytes ?? usualMaxBytes
    const { answer } = await requestAlong(
      start,
      { signal, limitMs: call.limitMs ?? limitMs },
      (to) => ({
        env: {},
        dispatcher: to.origin === origin ? own : elsewhere,
        ...call,
        maxBytes,
        headers: {
          ...(call.sink || call.cut ? {} : { 'accept-encoding': 'gzip' }),
          'npm-auth-type': textOf(options.authType) ?? 'web',
          ...(to.origin === start.origin && { ...asHeaders(logins.to(to.href)), ...headers })
        }
      }),
      (to, { status }) => isRead || (to.origin === start.origin && (status === 307 || status === 308))
    )
    const plain =
      headerOf(answer.headers, 'content-encoding') === 'gzip' && !answer.cut ? await unzipped(answer, maxBytes) : answer
    if (plain.status >= 400) throw new RegistryRefusal(plain)
    return plain
  }

  return async (url, request) => {
    const start = new URL(url)
    const attempts = (request.method ?? 'GET') === 'GET' ? 2 : 1
    // What was handed on in part cannot be taken back for another try.
    let handedOn = false
    const sink =
      request.sink &&
      ((chunk: Buffer) => {
        handedOn = true
        request.sink?.(chunk)
      })
    const finish = await retrying<() => Answer>(
      async (count) => {
        try {
          const answer = await once(start, { ...request, ...(sink && { sink }) })
          return { result: () => answer }
        } catch (error) {
          request.signal.throwIfAborted()
          const passes = isTransient(error) || (error instanceof RegistryRefusal && mayPass(error.status))
          const fail = (): never => {
            throw error
          }
          return { result: fail, again: passes && !handedOn ? pause(count) : undefined }
        }
      },
      { clock: systemClock, signal: request.signal, attempts }
    )
    return finish()
  }
}

const mayPass = (status: number): boolean => status === 408 || status === 429 || status >= 500

const asHeaders = ({ token, auth, otp }: Login): Record<string, string> => ({
  ...(auth && { authorization: `Basic ${auth}` }),
  ...(token && { authorization: `Bearer ${token}` }),
  ...(otp && { 'npm-otp': otp })
})

async function unzipped(answer: Answer, maxBytes: number): Promise<Answer> {
  try {
    return { ...answer, body: await promisify(gunzip)(answer.body, { maxOutputLength: maxBytes }) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error
    throw new TooLarge(`the answer is longer than ${maxBytes / mebibyte} MB`)
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined)
