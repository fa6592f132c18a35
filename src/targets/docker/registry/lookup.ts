import { headerOf } from '../../../http/answer.ts'
import { TargetError } from '../../../support/errors.ts'
import { quoted } from '../../../support/text.ts'
import { type Engine, EngineError } from '../engine/engine.ts'
import { digestPattern, splitRepository } from '../objects/reference.ts'
import { isWithheld, type Login, registryAuth } from './credentials.ts'
import { askForManifest, isGood, type RegistryContext } from './http.ts'

/** What the engine finds under a reference in its registry, without pulling it. */
export type Lookup =
  | {
      state: 'there'
      digest: string
      platforms: Platform[]
      /** The engine is refused: it gets no login, and the registry has it for one. */
      needsLogin?: true
    }
  | { state: 'gone' | 'denied' | 'rate_limited' | 'unreachable'; reason: string }

export interface Platform {
  os: string
  architecture: string
}

/** An engine, as far as it asks registries. */
type Registries = Pick<Engine, 'trusted'> & { images: Pick<Engine['images'], 'distribution'> }
type Asking = { engine: Registries } & Pick<RegistryContext, 'env' | 'mask'>

/** Registries that gave an engine no answer, with what it said; each call of the program opens engines of its own. */
const silent = new WeakMap<Registries, Map<string, Lookup>>()

/**
 * Asks through the engine, so that the answer is what a pull would meet: its network, its mirrors, its trust. A registry that cannot
 * be reached is not asked again: each request would wait as long as the first.
 */
export async function lookUp(context: Asking, reference: string, login: Login, signal: AbortSignal): Promise<Lookup> {
  const { engine } = context
  const { registry } = splitRepository(reference)
  const known = silent.get(engine)?.get(registry)
  if (known) return known
  const found = await ask(engine, reference, login, signal)
  if (found.state === 'unreachable' && isSilence(found.reason))
    silent.set(engine, (silent.get(engine) ?? new Map()).set(registry, found))
  const isRefused = found.state === 'denied' || found.state === 'gone'
  return (isRefused && isWithheld(engine, login) && (await askDirectly(context, reference, login, signal))) || found
}

/** What registries have, by engine. */
const listed = new WeakMap<Registries, Map<string, Lookup>>()

/** The same, but what was found is not asked again: registries count each request. For releases that are only listed. */
export async function lookUpOnce(
  context: Asking,
  reference: string,
  login: Login,
  signal: AbortSignal
): Promise<Lookup> {
  const known = listed.get(context.engine) ?? new Map<string, Lookup>()
  listed.set(context.engine, known)
  const found = known.get(reference) ?? (await lookUp(context, reference, login, signal))
  if (found.state === 'there') known.set(reference, found)
  return found
}

/** A registry that refuses an engine without a login may know the image for the user's. */
async function askDirectly(
  { env, mask }: Asking,
  reference: string,
  { credentials }: Login,
  signal: AbortSignal
): Promise<Lookup | null> {
  const asked = await askForManifest(reference, credentials, { env, mask, signal })
  const digest = asked && headerOf(asked.answer.headers, 'docker-content-digest')
  return asked && isGood(asked.answer) && digest && digestPattern.test(digest)
    ? { state: 'there', digest, platforms: [], needsLogin: true }
    : null
}

/** The registry did not answer; an error of its own is an answer. */
const isSilence = (reason: string): boolean =>
  /time(d )?-?out|deadline|canceled|did not answer in time|no route|unreachable|connection refused|no such host/i.test(
    reason
  )

async function ask(engine: Registries, reference: string, login: Login, signal: AbortSignal): Promise<Lookup> {
  try {
    const answer = await engine.images.distribution(reference, registryAuth(engine, login), signal)
    const platforms = (answer.Platforms ?? []).map(({ os = '', architecture = '' }) => ({ os, architecture }))
    return { state: 'there', digest: answer.Descriptor.digest, platforms }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof EngineError) return { state: stateOf(error), reason: quoted(error.said, 300) }
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
