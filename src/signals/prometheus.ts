import { z } from 'zod'
import { TooLarge } from '../http/body.ts'
import { networkReason } from '../http/failure.ts'
import { request } from '../http/request.ts'
import type { SignalSample } from '../model/signal.ts'
import { RollbackError } from '../support/errors.ts'
import type { Mask } from '../support/mask.ts'
import { parseOutsideJson } from '../support/nesting.ts'
import { quote, quoteLine } from '../support/quote.ts'
import { duration } from '../support/text.ts'
import { authorizationFor } from './login.ts'
import type { PrometheusStore } from './signal-schema.ts'

export interface SignalContext {
  env: NodeJS.ProcessEnv
  mask: Mask
}

/** The numbers of a query, oldest first, and what is in the place of a newest one that is no number. */
export interface Measured {
  samples: SignalSample[]
  newest?: string
}

/** What was measured; or why nothing was: `empty` when the store has no values. */
export type Range = Measured | { unknown: string; empty?: boolean }

/** From when until when, and how far apart, in milliseconds since 1970. */
export interface Span {
  from: number
  until: number
  stepMs: number
}

const limitMs = 3000
/** A thousand samples take 30 kB. */
const maxBytes = 1024 * 1024
const mostSamples = 2000

/** A sample is a time in seconds and a number as text (https://prometheus.io/docs/prometheus/latest/querying/api, "Expression query result formats"). */
const sampleSchema = z.tuple([z.number(), z.string()])

const answerSchema = z.object({
  status: z.literal('success'),
  warnings: z.array(z.string()).nullish(),
  data: z.object({
    resultType: z.literal('matrix'),
    result: z.array(z.object({ values: z.array(sampleSchema).max(mostSamples) }))
  })
})

const refusalSchema = z.object({ status: z.literal('error'), error: z.string() })

/**
 * Asks a store for the values of its query over a time, with `query_range` of Prometheus' HTTP API. Never throws for what the store
 * answers or does not: that is unknown, with the reason. Follows no redirect.
 * @throws the signal's reason.
 */
export async function queryRange(
  store: PrometheusStore,
  { from, until, stepMs }: Span,
  { env, mask }: SignalContext,
  signal: AbortSignal
): Promise<Range> {
  const { host } = new URL(store.url)
  try {
    const authorization = await authorizationFor(store, env, mask)
    const url = new URL(`${store.url.split(/[?#]/, 1)[0]?.replace(/\/$/, '')}/api/v1/query_range`)
    for (const [name, value] of Object.entries({
      query: store.query,
      start: seconds(from),
      end: seconds(until),
      step: seconds(stepMs),
      timeout: seconds(limitMs)
    }))
      url.searchParams.set(name, value)
    const headers = { accept: 'application/json', ...(authorization && { authorization }) }
    const { status, body } = await request(url, { env, signal, headers, limitMs, maxBytes })
    return readAnswer(host, status, body.toString('utf8'), mask)
  } catch (error) {
    signal.throwIfAborted()
    return { unknown: unread(host, error, mask) }
  }
}

/** Seconds as Prometheus takes them, to the millisecond. */
const seconds = (ms: number): string => (ms / 1000).toFixed(3)

function unread(host: string, error: unknown, mask: Mask): string {
  if (error instanceof RollbackError) return quoteLine(mask, `${error.what}: ${error.why}. ${error.next}`, 400)
  if (error instanceof TooLarge) return `${host}: ${error.message}`
  if (error instanceof Error && error.name === 'TimeoutError')
    return `${host} does not answer within ${duration(limitMs)}`
  return `${host} does not answer: ${quoteLine(mask, networkReason(error), 120)}`
}

function readAnswer(host: string, status: number, text: string, mask: Mask): Range {
  const value = parsedOrNull(text)
  const refusal = refusalSchema.safeParse(value)
  if (refusal.success) return { unknown: `${host} refuses the query: ${quote(mask, refusal.data.error, 200)}` }
  if (status >= 300 && status < 400) return { unknown: `${host} answers ${status}, a redirect, which is not followed` }
  if (status < 200 || status >= 300) return { unknown: `${host} answers ${status}` }
  const answer = answerSchema.safeParse(value)
  if (!answer.success)
    return {
      unknown:
        value === null
          ? `${host} does not answer with JSON (${quote(mask, text.slice(0, 400), 60)})`
          : `${host} does not answer as Prometheus does`
    }
  const { warnings, data } = answer.data
  const warning = warnings?.find((line) => !line.startsWith('PromQL info'))
  if (warning !== undefined) return { unknown: `the answer of ${host} may be incomplete: ${quote(mask, warning, 160)}` }
  return oneSeries(data.result)
}

function oneSeries(result: readonly { values: readonly [number, string][] }[]): Range {
  const [only, ...more] = result
  if (!only || only.values.length === 0) return { unknown: 'the query gives no value', empty: true }
  if (more.length > 0) return { unknown: `the query gives ${result.length} series; make it one, with sum() or max()` }
  const samples: SignalSample[] = []
  for (const [at, text] of only.values) {
    if (!isInstant(at) || !(isGap(text) || isNumber(text)))
      return { unknown: `the query gives ${textOf(text)}, which is no number` }
    if (isNumber(text)) samples.push({ at: new Date(at * 1000).toISOString(), value: Number(text) })
  }
  const newest = only.values.at(-1)?.[1] ?? ''
  return isGap(newest) ? { samples, newest } : { samples }
}

/** What a rate of nothing by nothing gives, or of something by nothing. */
const isGap = (text: string): boolean => ['NaN', '+Inf', '-Inf'].includes(text)

const isNumber = (text: string): boolean => text.trim() !== '' && Number.isFinite(Number(text))

const isInstant = (seconds: number): boolean => seconds >= 0 && seconds < 1e11

const textOf = (text: string): string => JSON.stringify(text.slice(0, 20).replace(/[^\x20-\x7e]/g, '?'))

function parsedOrNull(text: string): unknown {
  try {
    return parseOutsideJson(text)
  } catch {
    return null
  }
}
