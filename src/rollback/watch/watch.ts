import type { Health, Observation } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import type { SignalReading } from '../../model/signal.ts'
import { isoNow } from '../../support/clock.ts'
import { InputError, messageOf, RollbackError } from '../../support/errors.ts'
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

type WatchVerdict =
  | { verdict: 'well' }
  /** What was seen, and since when. */
  | { verdict: 'failed'; why: string; since: string }
  /** It could not be seen to serve well for so long, and not to fail. */
  | { verdict: 'inconclusive'; why: string }

/** How a watch ended. */
export type WatchEnd = WatchVerdict & {
  release: Release
  watchedMs: number
  /** The last look; null where the target did not answer. */
  observation: Observation | null
}

const lookEveryMs = 1000
const keepEveryMs = 5000
const lookWithinMs = 30_000
/** A health check that fails is no signal with a time of its own: a restart in between is no failed version. */
const failsAfterMs = 10_000
/** For so long at least it may be starting, or unknown. */
const leastPatienceMs = 120_000
/** A machine that slept watched nothing. */
const longestGapMs = 15_000

/** Where a watch is. */
interface Progress {
  release: Release
  begunAt: string
  /** For how long it was seen to serve well, and for how long not. */
  watchedMs: number
  lostMs: number
  /** Since when the target's own health fails without a break. */
  failingSince: string | null
  /** The newest look. */
  observation: Observation | null
  seen: Seen
  seenAt: Date
}

/**
 * Looks at what serves once a second until it was seen to serve well for `forMs`, or to fail. What is unknown, starting or not watched
 * does not count; when that takes longer than the watch itself, it ends inconclusive. An unfinished watch of the same release goes on.
 * @throws InputError when nothing serves; the signal's reason when the caller stops it, with the record kept.
 */
export async function watch(session: Session, request: WatchRequest): Promise<WatchEnd> {
  const { clock } = session
  const { file, signal } = request
  let progress = await begin(session, request)
  let keptAt = 0
  for (;;) {
    const ended = endOf(progress, request, clock.now())
    request.look(shown(session.name, progress, request, ended))
    if (ended) {
      await endWatch(file)
      const { release, watchedMs, observation } = progress
      return { ...ended, release, watchedMs, observation }
    }
    if (clock.now().getTime() - keptAt >= keepEveryMs) {
      keptAt = clock.now().getTime()
      await keep(session, file, progress)
    }
    await clock.sleep(lookEveryMs, signal)
    progress = after(progress, await lookAgain(session, progress.release, signal), clock.now())
  }
}

async function begin(session: Session, { file, signal, continues }: WatchRequest): Promise<Progress> {
  const { clock, name, mask, target } = session
  const { observation } = await target.observe(withinLook(session, signal))
  spareObservation(mask, observation)
  const release = observation.current
  if (!release) throw nothingServes(name)
  const unfinished = await unfinishedWatch(file, name, release, clock.now())
  if (unfinished) continues(unfinished.begunAt, unfinished.watchedMs)
  const { begunAt, watchedMs } = unfinished ?? { begunAt: isoNow(clock), watchedMs: 0 }
  const empty = { release, begunAt, watchedMs, lostMs: 0, failingSince: null, observation, seenAt: clock.now() }
  const seen = judged(observation, release)
  return { ...empty, seen, failingSince: failingSince(null, seen, observation, clock.now()) }
}

interface NextLook {
  observation: Observation | null
  seen: Seen
}

/** The progress after one more look. */
function after(before: Progress, { observation, seen }: NextLook, now: Date): Progress {
  const passed = Math.min(now.getTime() - before.seenAt.getTime(), longestGapMs)
  return {
    ...before,
    observation,
    seen,
    seenAt: now,
    failingSince: failingSince(before.failingSince, seen, observation, now),
    ...(seen.counts ? { watchedMs: before.watchedMs + passed } : { lostMs: before.lostMs + passed })
  }
}

const failingSince = (
  before: string | null,
  { state }: Seen,
  observation: Observation | null,
  now: Date
): string | null => (state === 'failing' ? (before ?? observation?.health.since ?? now.toISOString()) : null)

/** How the watch ends now; null where it goes on. */
function endOf(progress: Progress, { forMs }: WatchRequest, now: Date): WatchVerdict | null {
  const { seen, failingSince: since, watchedMs, lostMs, observation, release } = progress
  const served = observation?.current
  if (served && served.id !== release.id) return { verdict: 'inconclusive', why: `${served.version} serves now` }
  if (seen.state === 'failed' || (since !== null && ageOf(since, now) >= failsAfterMs))
    return { verdict: 'failed', why: seen.line, since: observation?.health.since ?? since ?? now.toISOString() }
  if (watchedMs >= forMs && seen.state === 'well') return { verdict: 'well' }
  if (lostMs <= Math.max(forMs, leastPatienceMs)) return null
  const why = `for ${duration(lostMs)} it could not be seen to serve well: ${seen.line}`
  return { verdict: 'inconclusive', why }
}

const shown = (
  target: string,
  { release, watchedMs, seen }: Progress,
  { forMs }: WatchRequest,
  ended: WatchVerdict | null
): Look => ({
  target,
  version: release.version,
  watchedMs,
  forMs,
  state: ended?.verdict === 'failed' ? 'failed' : shownState[seen.state],
  line: seen.line
})

/** A watch does not end for a record that cannot be written: it only cannot go on after its process ended. */
async function keep(
  { name, log }: Session,
  file: string,
  { release, begunAt, seenAt, watchedMs }: Progress
): Promise<void> {
  const { version, id } = release
  await keepWatch(file, { target: name, version, id, begunAt, seenAt: seenAt.toISOString(), watchedMs }).catch(
    (error: unknown) => log('warning', `How far the watch is was not written: ${messageOf(error)}`)
  )
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
  /** The time up to this look is one in which the version served well. */
  counts: boolean
}

const withinLook = ({ clock }: Session, signal: AbortSignal): AbortSignal =>
  anySignal(signal, clock.limit(lookWithinMs))

async function lookAgain(session: Session, release: Release, signal: AbortSignal): Promise<NextLook> {
  try {
    const { observation } = await session.target.observe(withinLook(session, signal))
    return { observation, seen: judged(observation, release) }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof RollbackError && error.fault !== 'target') throw error
    const line = `${session.name} does not answer: ${quoteLine(session.mask, messageOf(error), 200)}`
    return { observation: null, seen: { state: 'unknown', line, counts: false } }
  }
}

/** What an observation says of the version that is watched. */
function judged({ current, health }: Observation, release: Release): Seen {
  if (current?.id !== release.id) return { state: 'failing', line: health.message, counts: false }
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

const nothingServes = (target: string): InputError =>
  new InputError({
    what: 'There is nothing to watch',
    why: `nothing serves on ${target}`,
    next: 'Deploy first, then watch.',
    code: 'nothing_to_watch'
  })
