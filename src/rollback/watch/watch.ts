import type { Health, Observation } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import type { SignalReading } from '../../model/signal.ts'
import { isoNow } from '../../support/clock.ts'
import { InputError, RollbackError } from '../../support/errors.ts'
import { anySignal } from '../../support/limit.ts'
import { quoteLine } from '../../support/quote.ts'
import { duration } from '../../support/text.ts'
import { spareObservation } from '../assess/spare-names.ts'
import { hasFailed } from '../run/compare-health.ts'
import type { Session } from '../session.ts'
import { endWatch, keepWatch, unfinishedWatch } from './watch-record.ts'

/** One look of a watch, for people. */
export interface Look {
  target: string
  version: string
  watchedMs: number
  forMs: number
  /** `well`, `failed`, or that it cannot be said yet, with the reason in `line`. */
  state: 'well' | 'failed' | 'not well' | 'unknown'
  /** "web is healthy; error rate 0.2 %". */
  line: string
}

interface WatchRequest {
  /** How long it must be seen to serve well, in milliseconds. */
  forMs: number
  /** Where it keeps how far it is. */
  file: string
  signal: AbortSignal
  look(look: Look): void
  /** Told once, where it goes on with an unfinished watch. */
  continues(begunAt: string, watchedMs: number): void
}

/** How a watch ended. */
export type WatchEnd = {
  release: Release
  watchedMs: number
  observation: Observation | null
} & (
  | { verdict: 'well' }
  /** What was seen, and since when. */
  | { verdict: 'failed'; why: string; since: string }
  /** It could not be seen to serve well for so long, and not to fail. */
  | { verdict: 'inconclusive'; why: string }
)

const lookEveryMs = 1000
const keepEveryMs = 5000
const lookWithinMs = 30_000
/** A health check that fails is no signal with a time of its own: a restart in between is no failed version. */
const failsAfterMs = 10_000
/** For so long at least it may be starting, or unknown. */
const leastPatienceMs = 120_000

/**
 * Looks at what serves once a second until it was seen to serve well for `forMs`, or to fail. What is unknown, starting or not watched
 * does not count; when that takes longer than the watch itself, it ends inconclusive. An unfinished watch of the same release goes on.
 * @throws InputError when nothing serves; the signal's reason when the caller stops it, with the record kept.
 */
export async function watch(session: Session, request: WatchRequest): Promise<WatchEnd> {
  const { clock, name } = session
  const { forMs, file, signal } = request
  const first = await session.target.observe(withinLook(session, signal))
  spareObservation(session.mask, first.observation)
  const release = first.observation.current
  if (!release) throw nothingServes(name)
  const unfinished = await unfinishedWatch(file, name, release, clock.now())
  if (unfinished) request.continues(unfinished.begunAt, unfinished.watchedMs)
  const begunAt = unfinished?.begunAt ?? isoNow(clock)
  let watchedMs = unfinished?.watchedMs ?? 0
  let lostMs = 0
  let failingSince: string | null = null
  let keptAt = 0
  let observation: Observation | null = first.observation
  let why = ''
  const patienceMs = Math.max(forMs, leastPatienceMs, session.signals?.patienceMs ?? 0)
  for (let before = clock.now(); ; ) {
    if (observation && observation.current?.id !== release.id)
      return end(file, {
        verdict: 'inconclusive',
        why: `${observation.current?.version ?? 'nothing'} serves now`,
        release,
        watchedMs,
        observation
      })
    const seen: Seen = observation ? judged(observation.health) : { state: 'unknown', line: why }
    failingSince = seen.state === 'failing' ? (failingSince ?? observation?.health.since ?? isoNow(clock)) : null
    const failed =
      seen.state === 'failed' || (failingSince !== null && ageOf(failingSince, clock.now()) >= failsAfterMs)
    request.look({
      target: name,
      version: release.version,
      watchedMs,
      forMs,
      state: failed ? 'failed' : shownState[seen.state],
      line: seen.line
    })
    if (failed) {
      const since = observation?.health.since ?? failingSince ?? isoNow(clock)
      return end(file, { verdict: 'failed', why: seen.line, since, release, watchedMs, observation })
    }
    if (watchedMs >= forMs && seen.state === 'well')
      return end(file, { verdict: 'well', release, watchedMs, observation })
    if (lostMs > patienceMs)
      return end(file, {
        verdict: 'inconclusive',
        why: `for ${duration(lostMs)} it could not be seen to serve well: ${seen.line}`,
        release,
        watchedMs,
        observation
      })
    if (clock.now().getTime() - keptAt >= keepEveryMs) {
      keptAt = clock.now().getTime()
      await keepWatch(file, {
        target: name,
        version: release.version,
        id: release.id,
        begunAt,
        seenAt: isoNow(clock),
        watchedMs
      })
    }
    await clock.sleep(lookEveryMs, signal)
    ;({ observation, why } = await lookAgain(session, signal))
    const passed = clock.now().getTime() - before.getTime()
    before = clock.now()
    if (observation && judged(observation.health).counts) watchedMs += passed
    else lostMs += passed
  }
}

const shownState = {
  well: 'well',
  pending: 'not well',
  failing: 'not well',
  failed: 'failed',
  unknown: 'unknown'
} as const

interface Seen {
  /** `failing` is the target's own health, which may recover in a moment; `pending` is no verdict yet. */
  state: 'well' | 'pending' | 'failing' | 'failed' | 'unknown'
  line: string
}

const withinLook = ({ clock }: Session, signal: AbortSignal): AbortSignal =>
  anySignal(signal, clock.limit(lookWithinMs))

async function lookAgain(
  session: Session,
  signal: AbortSignal
): Promise<{ observation: Observation | null; why: string }> {
  try {
    return { observation: (await session.target.observe(withinLook(session, signal))).observation, why: '' }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof RollbackError && error.fault !== 'target') throw error
    return { observation: null, why: `${session.name} does not answer: ${quoteLine(session.mask, String(error), 200)}` }
  }
}

/** What an observation says of the version; `counts` when this time is one in which it served well. */
function judged(health: Health): Seen & { counts: boolean } {
  const signals = health.signals ?? []
  const those = (state: SignalReading['state']): SignalReading[] => signals.filter((signal) => signal.state === state)
  const line = lineOf(health, signals)
  const bad = those('bad')
  if (bad.some(({ older }) => !older)) return { state: 'failed', line, counts: false }
  // A signal that was bad before this version came says nothing against it, and nothing for it.
  if (bad.length > 0) return { state: 'pending', line, counts: false }
  if (hasFailed(health.state)) return { state: 'failing', line, counts: false }
  if (health.state !== 'healthy')
    return { state: health.state === 'unknown' ? 'unknown' : 'pending', line, counts: false }
  if (those('unknown').some(({ proof }) => proof !== 'ignore')) return { state: 'unknown', line, counts: false }
  return those('pending').length > 0 ? { state: 'pending', line, counts: true } : { state: 'well', line, counts: true }
}

/** Health and signals in one line; what a bad signal says is part of the health's message already. */
const lineOf = ({ message }: Health, signals: readonly SignalReading[]): string =>
  [
    message,
    ...signals
      .filter(({ state }) => state !== 'bad')
      .map(({ name, state, shown, message: says }) =>
        state === 'unknown'
          ? `${name} unknown (${says})`
          : state === 'pending'
            ? `${name} ${says}`
            : `${name} ${shown ?? says}`
      )
  ].join('; ')

const ageOf = (at: string, now: Date): number => now.getTime() - Date.parse(at)

async function end(file: string, ended: WatchEnd): Promise<WatchEnd> {
  await endWatch(file)
  return ended
}

const nothingServes = (target: string): InputError =>
  new InputError({
    what: 'There is nothing to watch',
    why: `nothing serves on ${target}`,
    next: 'Deploy first, then watch.',
    code: 'nothing_to_watch'
  })
