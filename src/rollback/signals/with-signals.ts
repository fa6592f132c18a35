import { type Check, type CheckReport, checkOf } from '../../model/check.ts'
import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Health, Observation, Risk } from '../../model/observation.ts'
import type { SignalReading } from '../../model/signal.ts'
import { readCourses } from '../../signals/read-course.ts'
import { type Asked, askSignal, type Compared, patienceOf, type ReadContext } from '../../signals/read-signals.ts'
import type { Signal } from '../../signals/signal-schema.ts'
import { messageOf, orElse } from '../../support/errors.ts'
import type { Target } from '../../targets/target.ts'
import { recordedFailure } from '../assess/evidence.ts'
import { hasFailed } from '../run/compare-health.ts'
import { comparedTo, comparedToItself } from './served-before.ts'
import { type Signals, signalCheckId } from './signals.ts'

/** The same target, whose observations and checks say as well what the signals say. */
export function withSignals(
  target: Target,
  signals: readonly Signal[],
  history: readonly DeploymentRecord[],
  context: Omit<ReadContext, 'known' | 'newest'>
): { target: Target; signals: Signals } {
  const read: ReadContext = { ...context, known: new Map(), newest: new Map() }
  const { clock, mask } = context
  for (const { name } of signals) mask.spare(name)
  const askAll = (abort: AbortSignal): ((compared: Compared) => Promise<SignalReading[]>) => {
    const asked = signals.map((signal) => askSignal(signal, read, abort))
    return (compared) => Promise.all(asked.map((one, at) => answered(one, signals[at], compared, abort)))
  }
  /** What was measured before a step says nothing of what serves after it. */
  const afresh =
    (verb: Target['apply']): Target['apply'] =>
    async (step, run) => {
      try {
        return await verb(step, run)
      } finally {
        read.newest.clear()
      }
    }
  return {
    target: {
      ...target,
      apply: afresh(target.apply),
      revert: afresh(target.revert),
      async observe(abort) {
        const readings = askAll(abort)
        const { observation, state } = await target.observe(abort)
        const compared = comparedTo(observation.current, observation.releases, history, clock.now())
        return { observation: withReadings(observation, await readings(compared), history), state }
      },
      async check(release, look) {
        const readings = askAll(look.signal)(comparedToItself(release, history, clock.now()))
        readings.catch(() => undefined)
        const report = await target.check(release, look)
        const said = await readings
        const patienceMs = said.some(({ lagging }) => lagging) ? patienceOf(signals) : 0
        return withSignalChecks(
          patienceMs > 0 ? { ...report, patienceMs } : report,
          said.map((reading) => checkOfSignal(reading, look.settling === true))
        )
      }
    },
    signals: {
      courses: (release, { from, until }, abort) =>
        readCourses(
          signals,
          {
            from: from.getTime(),
            until: until.getTime(),
            before: comparedToItself(release, history, clock.now()).before
          },
          read,
          abort
        )
    }
  }
}

const answered = async (
  asked: Asked,
  signal: Signal | undefined,
  compared: Compared,
  abort: AbortSignal
): Promise<SignalReading> =>
  orElse(abort, asked(compared, abort), (error) => ({
    name: signal?.name ?? '',
    proof: signal?.proof ?? 'unverified',
    state: 'unknown',
    message: messageOf(error)
  }))

/** What serves and has a bad signal is degraded; an unknown signal changes nothing and is named. */
function withReadings(
  observation: Observation,
  readings: readonly SignalReading[],
  history: readonly DeploymentRecord[]
): Observation {
  const bad = readings.filter(({ state }) => state === 'bad')
  const older = bad.filter((reading) => reading.older)
  const alone = !hasFailed(observation.health.state) && older.length > 0 && older.length === bad.length
  const failure = recordedFailure(history, observation.current)
  const doubted = alone && (failure === null || failure.repeated)
  return {
    ...observation,
    health: healthWith(observation.health, readings, bad),
    risks: [...observation.risks, ...(doubted ? [olderThanVersion(observation, older)] : [])],
    notes: [...observation.notes, ...readings.filter(({ state }) => state === 'unknown').map(unknownLine)]
  }
}

const said = ({ name, message }: SignalReading): string => `${name} ${message}`

const unknownLine = ({ name, message }: SignalReading): string => `The signal "${name}" is unknown: ${message}.`

function healthWith(health: Health, readings: readonly SignalReading[], bad: readonly SignalReading[]): Health {
  const signals = [...readings]
  if (bad.length === 0) return { ...health, signals }
  const { unchecked: _, since, ...rest } = health
  const failed = hasFailed(health.state)
  const times = [...bad.flatMap((reading) => reading.since ?? []), ...(failed && since ? [since] : [])].sort()
  return {
    ...rest,
    state: failed ? health.state : 'degraded',
    message: [health.message, ...bad.map(said)].join('; '),
    ...(times[0] && { since: times[0] }),
    signals
  }
}

const olderThanVersion = ({ current }: Observation, older: readonly SignalReading[]): Risk => ({
  id: 'signals_older',
  serious: true,
  title: `It was as bad before ${current?.version ?? 'the current version'} was deployed`,
  detail: `${older.map(said).join('; ')}. Another cause is likely, and a rollback may not help.`
})

/** What a signal that is bad measures may pass within the soak, because it is still of the version before. */
function withSignalChecks(report: CheckReport, checks: readonly Check[]): CheckReport {
  const fails = (all: readonly Check[]): boolean => all.some(({ status }) => status === 'fail')
  const awaited = report.awaited === true || (!fails(report.checks) && fails(checks))
  return { ...report, checks: [...report.checks, ...checks], ...(awaited && { awaited }) }
}

/** A bad signal ends a rollback unverified, and fails it only where deploy.json says so. */
function checkOfSignal({ name, state, proof, message }: SignalReading, settling: boolean): Check {
  const as = checkOf(signalCheckId(name), `Signal: ${name}`)
  if (state === 'good') return as('pass', message)
  if (settling && proof === 'ignore') return as('pass', `${state}, which deploy.json says to ignore: ${message}`)
  if (state === 'bad') return as(settling && proof !== 'fail' ? 'unknown' : 'fail', message)
  return as(proof === 'ignore' ? 'pass' : 'unknown', message)
}
