import { connect } from 'node:net'
import { messageOf } from '../../../../support/errors.ts'
import { oneLine } from '../../../../support/text.ts'
import type { Probe } from '../../config.ts'

export interface Answer {
  ok: boolean
  detail: string
  /** Why a port gave no answer: closed at once, refused, or nothing came back. */
  reason?: 'closed' | 'refused' | 'silent'
}

/** Asks once whether the service answers as a user would meet it. */
export async function probeOnce(probe: Probe, signal: AbortSignal): Promise<Answer> {
  if ('tcp' in probe) {
    const at = String(probe.tcp).lastIndexOf(':')
    return knock(
      String(probe.tcp)
        .slice(0, at)
        .replace(/^\[|\]$/g, ''),
      Number(String(probe.tcp).slice(at + 1)),
      signal
    )
  }
  const address = String(probe.http)
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(3000)])
    const answer = await fetch(address, { signal: limit, redirect: 'manual', headers: { connection: 'close' } })
    await answer.body?.cancel()
    const ok = probe.expect_status ? answer.status === probe.expect_status : answer.status >= 200 && answer.status < 400
    return { ok, detail: `${address} answers ${answer.status}` }
  } catch (error) {
    signal.throwIfAborted()
    const cause = error instanceof Error && error.cause ? error.cause : error
    return { ok: false, detail: `${address} does not answer: ${oneLine(messageOf(cause))}` }
  }
}

/**
 * Opens a TCP connection and holds it for a moment: the engine's proxy for published ports accepts everything, and closes at
 * once when nothing listens behind it.
 */
export function knock(host: string, port: number, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (ok: boolean, detail: string, reason?: Answer['reason']): void => {
      clearTimeout(patience)
      signal.removeEventListener('abort', aborted)
      socket.destroy()
      resolve({ ok, detail: `${host}:${port} ${detail}`, ...(reason && { reason }) })
    }
    const aborted = (): void => end(false, 'was not asked to the end', 'silent')
    let patience = setTimeout(() => end(false, 'does not answer within 3 s', 'silent'), 3000)
    signal.addEventListener('abort', aborted)
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const reason = { ECONNREFUSED: 'refused', ECONNRESET: 'closed' } as const
      const code = error.code ?? ''
      end(false, `does not answer: ${oneLine(error.message || code)}`, reason[code as keyof typeof reason] ?? 'silent')
    })
    socket.on('connect', () => {
      clearTimeout(patience)
      patience = setTimeout(() => end(true, 'accepts connections'), 300)
    })
    socket.on('data', () => end(true, 'answers'))
    socket.on('end', () => end(false, 'closes connections at once: nothing listens behind it', 'closed'))
  })
}
