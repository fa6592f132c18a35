import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import fetch from 'npm-registry-fetch'
import { type Answer, headerOf } from '../../http/answer.ts'
import { mebibyte, TooLarge } from '../../http/body.ts'
import { isTransient } from '../../http/failure.ts'
import { agentWith } from '../../http/proxy.ts'
import { type RequestOptions, requestAlong } from '../../http/request.ts'
import { pause, retrying } from '../../http/retry.ts'
import { systemClock } from '../../support/clock.ts'
import { RegistryRefusal } from './failure.ts'
import type { NpmSettings } from './settings.ts'

export type RegistryRequest = Pick<
  RequestOptions,
  'method' | 'headers' | 'body' | 'signal' | 'maxBytes' | 'cut' | 'sink' | 'limitMs'
>

/** Sends one request to a registry. @throws RegistryRefusal for a status from 400 on; what kept an answer away. */
export type SendToRegistry = (url: string, request: RegistryRequest) => Promise<Answer>

/** The documents of packages with thousands of versions have some 40 MB. */
const maxBytes = 64 * mebibyte
const limitMs = 30_000

/** Requests as the npm configuration has them: its logins, proxies and certificates. Reading is tried twice. */
export function registryRequests({ registry, options }: NpmSettings): SendToRegistry {
  const { cert, key } = fetch.getAuth(registry, options)
  const proxy = textOf(options.httpsProxy) ?? textOf(options.proxy) ?? ''
  const dispatcher = agentWith(
    { httpProxy: proxy, httpsProxy: proxy, noProxy: textOf(options.noProxy) ?? '' },
    {
      ...(options.ca ? { ca: [options.ca].flat().map(String) } : {}),
      cert: cert ?? textOf(options.cert),
      key: key ?? textOf(options.key),
      rejectUnauthorized: options.strictSSL !== false
    }
  )

  const once = async (start: URL, { headers, signal, ...call }: RegistryRequest): Promise<Answer> => {
    const isRead = (call.method ?? 'GET') === 'GET'
    const { answer } = await requestAlong(
      start,
      { signal, limitMs: call.limitMs ?? limitMs },
      (to) => ({
        env: {},
        dispatcher,
        maxBytes,
        ...call,
        headers: {
          ...(call.sink || call.cut ? {} : { 'accept-encoding': 'gzip' }),
          'npm-auth-type': textOf(options.authType) ?? 'web',
          ...(textOf(options.otp) && { 'npm-otp': String(options.otp) }),
          ...headers,
          ...(to.origin === start.origin && loginFor(to.href, registry, options))
        }
      }),
      (to, { status }) => isRead || (to.origin === start.origin && (status === 307 || status === 308))
    )
    const plain =
      headerOf(answer.headers, 'content-encoding') === 'gzip' && !answer.cut ? await unzipped(answer) : answer
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

/** The Authorization header that npm would send to an address. */
function loginFor(url: string, registry: string, options: NpmSettings['options']): Record<string, string> {
  const { token, auth } = fetch.getAuth(url, { ...options, registry, spec: undefined, scope: undefined })
  if (token) return { authorization: `Bearer ${token}` }
  return auth ? { authorization: `Basic ${auth}` } : {}
}

async function unzipped(answer: Answer): Promise<Answer> {
  try {
    return { ...answer, body: await promisify(gunzip)(answer.body, { maxOutputLength: maxBytes }) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error
    throw new TooLarge(`the answer is longer than ${maxBytes / mebibyte} MB`)
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined)
