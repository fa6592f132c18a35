import { z } from 'zod'
import { duration } from '../support/text.ts'
import { networkReason } from './failure.ts'
import { type RequestOptions, request } from './request.ts'

/** What a user's request to a site looks like, and the answer that counts as good. */
export const pageProbeSchema = z
  .looseObject({
    path: z
      .string()
      .regex(/^\/[\x21-\x7e]*$/, 'is no path that begins with /')
      .default('/'),
    expect_status: z.number().int().min(200).max(599).optional()
  })
  .describe('A path that users ask for, and the status that it must answer with; else / must answer well')

export type PageProbe = z.infer<typeof pageProbeSchema>

export const probeHint = 'set `probe` for the target to say which path must answer how'

/** How a probe asks, whoever asks: over a connection of its own, past every cache, without a login. */
export const probeOptions = (
  env: NodeJS.ProcessEnv
): Pick<RequestOptions, 'env' | 'cut' | 'newConnection' | 'headers'> => ({
  env,
  cut: true,
  newConnection: true,
  headers: { 'cache-control': 'no-cache', 'user-agent': 'pop-deploy-rollback' }
})

export interface ProbeResult {
  ok: boolean
  /** "http://127.0.0.1:8080/ answers 503", "… does not answer: connect ECONNREFUSED …". */
  detail: string
  /** None when nothing answered. */
  status?: number
  /** Nothing answered in time. */
  timedOut?: boolean
}

/**
 * Asks an address once with GET. Good is the expected status, or any from 200 to 399 where none is; a redirect is not followed.
 * Never throws for what is answered, or is not. @throws the signal's reason.
 */
export async function probe(
  url: string,
  {
    env,
    signal,
    expectStatus,
    limitMs = 3000
  }: Pick<RequestOptions, 'env' | 'signal' | 'limitMs'> & { expectStatus?: number | undefined }
): Promise<ProbeResult> {
  try {
    const { status } = await request(url, { ...probeOptions(env), signal, limitMs, maxBytes: 0 })
    const ok = expectStatus === undefined ? status >= 200 && status < 400 : status === expectStatus
    return { ok, status, detail: `${url} answers ${status}` }
  } catch (error) {
    signal.throwIfAborted()
    const timedOut = error instanceof Error && error.name === 'TimeoutError'
    const why = timedOut ? ` within ${duration(limitMs)}` : `: ${networkReason(error)}`
    return { ok: false, ...(timedOut && { timedOut }), detail: `${url} does not answer${why}` }
  }
}
