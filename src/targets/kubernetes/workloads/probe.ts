import type { Check } from '../../../model/check.ts'
import { messageOf } from '../../../support/errors.ts'
import { oneLine } from '../../../support/text.ts'
import type { KubernetesContext } from '../context.ts'

const tries = 4
const betweenMs = 500
const answerWithinMs = 3000

/** Asks the configured address as a user would; one good answer of a few is enough. */
export async function checkProbe({ config, clock }: KubernetesContext, signal: AbortSignal): Promise<Check[]> {
  const { probe } = config
  if (!probe) return []
  const wanted = probe.expect_status
  let detail = ''
  for (let count = 0; count < tries; count++) {
    if (count > 0) await clock.sleep(betweenMs, signal)
    const answer = await ask(probe.http, signal)
    detail = `${probe.http} ${answer.detail}`
    const good = answer.status !== undefined && (wanted ? answer.status === wanted : answer.status < 400)
    if (good) return [{ id: 'probe', title: 'The probe is answered', status: 'pass', detail }]
  }
  return [{ id: 'probe', title: 'The probe is answered', status: 'fail', detail }]
}

async function ask(address: string, signal: AbortSignal): Promise<{ status?: number; detail: string }> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)])
    const answer = await fetch(address, { signal: limit, redirect: 'manual', headers: { connection: 'close' } })
    await answer.body?.cancel()
    return { status: answer.status, detail: `answers ${answer.status}` }
  } catch (error) {
    signal.throwIfAborted()
    const cause = error instanceof Error && error.cause ? error.cause : error
    return { detail: `does not answer: ${oneLine(messageOf(cause))}` }
  }
}
