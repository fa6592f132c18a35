import { messageOf } from '../support/errors.ts'
import { withLimit } from '../support/limit.ts'
import type { Session } from './session.ts'

const withinMs = 15_000

/** Lets the target keep what a proven release depends on; nothing fails because it cannot. */
export async function rememberProven({ target, log }: Session, signal?: AbortSignal): Promise<void> {
  const limit = signal ? withLimit(signal, withinMs) : AbortSignal.timeout(withinMs)
  await target.remember?.(limit).catch((error: unknown) => {
    log('debug', `What the proven version depends on was not kept: ${messageOf(error)}`)
  })
}
