import { TargetError } from '../../../support/errors.ts'
import { type Engine, EngineError } from '../engine/engine.ts'
import { splitRepository } from '../objects/reference.ts'
import { type Login, registryAuth } from './credentials.ts'

/** What the engine finds under a reference in its registry, without pulling it. */
export type Lookup =
  | { state: 'there'; digest: string; platforms: Platform[] }
  | { state: 'gone' | 'denied' | 'rate_limited' | 'unreachable'; reason: string }

export interface Platform {
  os: string
  architecture: string
}

/** An engine, as far as it asks registries. */
type Registries = { images: Pick<Engine['images'], 'distribution'> }

/** Registries that gave an engine no answer, with what it said; each call of the program opens engines of its own. */
const silent = new WeakMap<Registries, Map<string, Lookup>>()

/**
 * Asks through the engine, so that the answer is what a pull would meet: its network, its mirrors, its trust. A registry that cannot
 * be reached is not asked again: each request would wait as long as the first.
 */
export async function lookUp(
  engine: Registries,
  reference: string,
  login: Login,
  signal: AbortSignal
): Promise<Lookup> {
  const { registry } = splitRepository(reference)
  const known = silent.get(engine)?.get(registry)
  if (known) return known
  const found = await ask(engine, reference, login, signal)
  if (found.state === 'unreachable' && isSilence(found.reason))
    silent.set(engine, (silent.get(engine) ?? new Map()).set(registry, found))
  return found
}

/** The registry did not answer; an error of its own is an answer. */
const isSilence = (reason: string): boolean =>
  /time(d )?-?out|deadline|canceled|did not answer in time|no route|unreachable|connection refused|no such host/i.test(
    reason
  )

async function ask(engine: Registries, reference: string, login: Login, signal: AbortSignal): Promise<Lookup> {
  try {
    const answer = await engine.images.distribution(reference, registryAuth(login), signal)
    const platforms = (answer.Platforms ?? []).map(({ os = '', architecture = '' }) => ({ os, architecture }))
    return { state: 'there', digest: answer.Descriptor.digest, platforms }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof EngineError) return { state: stateOf(error), reason: error.why }
    if (error instanceof TargetError) return { state: 'unreachable', reason: error.why }
    throw error
  }
}

/** Tells a registry's refusals apart; engines put most of them into the message alone. */
export function stateOf({
  status,
  why
}: {
  status: number
  why: string
}): 'gone' | 'denied' | 'rate_limited' | 'unreachable' {
  if (status === 429 || /toomanyrequests|rate limit/i.test(why)) return 'rate_limited'
  if (/no such host/i.test(why)) return 'unreachable'
  if (/manifest unknown|name unknown|not found|no such/i.test(why) || status === 404) return 'gone'
  if (status === 401 || status === 403 || /unauthorized|denied|authentication required|forbidden/i.test(why))
    return 'denied'
  return 'unreachable'
}
