import type { Health } from '../model/observation.ts'
import type { Clock } from '../support/clock.ts'
import { untilGood } from '../support/until-good.ts'
import type { Observed } from './target.ts'

/** How a request of the configured probe was answered: "http://127.0.0.1:8080/ answers 503". */
interface Answer {
  ok: boolean
  detail: string
}

interface Asking {
  clock: Clock
  signal: AbortSignal
  /** Sends the request of the configured probe once; null where none is configured. */
  ask: (() => Promise<Answer>) | null
}

/** What a target says of itself, and beside it what its users see: what runs, and answers them badly every time, is degraded. */
export async function withProbe<State>(
  observing: Promise<Observed<State>>,
  { clock, signal, ask }: Asking
): Promise<Observed<State>> {
  if (!ask) return observing
  const [{ observation, state }, answer] = await Promise.all([observing, untilGood(clock, signal, ask, ({ ok }) => ok)])
  return { observation: { ...observation, health: asAnswered(observation.health, answer) }, state }
}

function asAnswered(health: Health, { ok, detail }: Answer): Health {
  if (health.state === 'down' || health.state === 'degraded') return health
  const { unchecked: _, since, ...rest } = health
  const message = `${health.message}; ${detail}`
  return ok ? { ...rest, ...(since && { since }), message } : { state: 'degraded', message }
}
