import { connect } from 'node:net'
import { probe as probeHttp } from '../../../../http/probe.ts'
import type { Check } from '../../../../model/check.ts'
import type { Clock } from '../../../../support/clock.ts'
import { oneLine } from '../../../../support/text.ts'
import type { Probe } from '../../config.ts'
import type { DockerContext } from '../../context.ts'

export interface Answer {
  ok: boolean
  detail: string
  /** Why a port gave no answer: closed at once, refused, or nothing came back. */
  reason?: 'closed' | 'refused' | 'silent'
}

/** Asks once whether the service answers as a user would meet it. */
export async function probeOnce(probe: Probe, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Answer> {
  if ('tcp' in probe) {
    const [, host = '', port] = /^\[?(.*?)\]?:(\d+)$/.exec(String(probe.tcp)) ?? []
    return connectOnce(host, Number(port), signal)
  }
  return probeHttp(String(probe.http), { env, signal, expectStatus: probe.expect_status })
}

/**
 * Opens a TCP connection and holds it for a moment: the engine's proxy for published ports accepts everything, and closes at
 * once when nothing listens behind it.
 */
export function connectOnce(host: string, port: number, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (ok: boolean, detail: string, reason?: Answer['reason']): void => {
      clearTimeout(patience)
      signal.removeEventListener('abort', aborted)
      socket.destroy()
      resolve({ ok, detail: `${host}:${port} ${detail}`, ...(reason && { reason }) })
    }
    const aborted = (): void => end(false, 'was not checked: aborted', 'silent')
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

/** Short at first: most services need only a moment more than their container. */
const pausesMs = [100, 200, 400, 800]

/** Asks until one answer is good enough: a service may need a moment more than its container. */
export async function untilGood<T>(
  clock: Clock,
  signal: AbortSignal,
  ask: () => Promise<T>,
  isGood: (answer: T) => boolean
): Promise<T> {
  let answer = await ask()
  for (const pause of pausesMs) {
    if (isGood(answer)) break
    await clock.sleep(pause, signal)
    answer = await ask()
  }
  return answer
}

/** The check of the configured probe. */
export async function probeCheck({ clock, env }: DockerContext, probe: Probe, signal: AbortSignal): Promise<Check> {
  const { ok, detail } = await untilGood(
    clock,
    signal,
    () => probeOnce(probe, env, signal),
    (answer) => answer.ok
  )
  return { id: 'probe', title: 'The configured probe passes', status: ok ? 'pass' : 'fail', detail }
}
