import { startOf } from '../../incident/outage.ts'
import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Blocker, Observation } from '../../model/observation.ts'
import { isoNow } from '../../support/clock.ts'
import { InputError, messageOf, orElse } from '../../support/errors.ts'
import { withLimit } from '../../support/limit.ts'
import { quoteLine } from '../../support/quote.ts'
import { diagnose } from '../diagnose.ts'
import { runningElsewhere } from '../guard/lock.ts'
import { findInterrupted, unreadableBlockers, unreadableNotes } from '../journal/interrupted.ts'
import { readJournals } from '../journal/journal.ts'
import { settledRecords } from '../journal/settled.ts'
import { hasFailed } from '../run/compare-health.ts'
import type { Session } from '../session.ts'
import { type Assessment, type Candidate, shortName } from './assessment.ts'
import { rankCandidates, recommend } from './candidates.ts'
import { disagreements, failedReturns, leftBehind, leftManually, recordedFailure } from './evidence.ts'
import { planOf } from './plan-id.ts'
import { codeRisks, looksHealthy, recentAttempts, unique, weakEvidence } from './risks.ts'
import { slowStops } from './slow-stops.ts'
import { spareBegun, spareObservation, spareSteps } from './spare-names.ts'
import { tellingLines } from './telling-lines.ts'

interface AssessOptions {
  version?: string
  /** Reads logs and events, as far as there are any. */
  investigate?: boolean
  /** Reads the logs of what fails for their last telling lines, where they come within seconds. */
  glance?: boolean
  /** Chooses the candidate in place of `version`; told also of a target whose rollback is interrupted, which is not planned. */
  choose?(found: Found): Promise<Candidate | null>
  signal: AbortSignal
}

/** What is known of a target before its candidate is chosen. */
export type Found = Pick<
  Assessment,
  'current' | 'failed' | 'candidates' | 'recommended' | 'interrupted' | 'observation'
>

/**
 * Observes the target, ranks the releases it could go back to, and plans the rollback to the recommended or named one. Nothing is
 * planned while an interrupted rollback is open. Reads only.
 * @throws InputError when the target has no such version; TargetError when the target does not answer.
 */
export async function assess(
  session: Session,
  { version, investigate, glance, choose, signal }: AssessOptions
): Promise<Assessment> {
  const [{ records, unreadable, notes }, { observation, state }] = await Promise.all([
    readJournals(session.files.journals, session.name, session.clock.now()),
    session.target.observe(signal)
  ])
  spareObservation(session.mask, observation)
  const diagnosing = investigate ? investigated(session, signal) : nothingAsked
  const glancing = glance && !investigate && hasFailed(observation.health.state) ? glanced(session, signal) : null
  const now = isoNow(session.clock)
  const settled = settledRecords(records, observation, now)
  const unsettled = records.filter((record) => !settled.has(record))
  const interrupted = await findInterrupted(session, { observation, state }, unsettled, signal)
  if (interrupted) spareBegun(session.mask, interrupted.record.begun)
  const formerRollbacks = [
    ...failedReturns(records),
    ...leftBehind(records),
    ...leftManually(records, observation.current)
  ]
  const failure = recordedFailure(session.history, observation.current)
  const recordedAsFailed = failure !== null && !failure.repeated
  const evidence = { history: session.history, formerRollbacks, now }
  const candidates = rankCandidates(observation.current, observation.releases, evidence)
  const recommended = recommend(observation.current, candidates)
  const { current } = observation
  const failed = hasFailed(observation.health.state) || recordedAsFailed
  const wanted = choose
    ? await choose({ current, failed, candidates, recommended, interrupted, observation })
    : version === undefined || interrupted
      ? recommended
      : named(session.name, version, candidates, observation)
  const chosen = interrupted ? null : wanted

  const [draft, risksOfCode, elsewhere, { diagnosis, undiagnosed }, seen] = await Promise.all([
    chosen && session.target.plan(observation, state, chosen.release, signal),
    chosen ? codeRisks(session, observation.current, chosen.release) : [],
    runningElsewhere(session.files.lock, observation),
    diagnosing,
    glancing
  ])
  if (draft) spareSteps(session.mask, draft.steps)
  const blockers = [
    ...observation.blockers,
    ...elsewhere,
    ...unreadableBlockers(unreadable, observation),
    ...(draft?.blockers ?? []),
    ...(chosen || interrupted ? [] : [nothingToGoBackTo(candidates)])
  ]
  const risks = [
    ...observation.risks,
    ...(draft ? [...draft.risks, ...slowStops(session, draft)] : []),
    ...risksOfCode,
    ...(chosen ? weakEvidence(chosen) : []),
    ...recentAttempts(records, session.settings.maxAttempts, now),
    ...(observation.health.state === 'healthy' && !recordedAsFailed ? [looksHealthy(observation)] : [])
  ]
  return {
    target: session.name,
    type: session.type,
    at: now,
    observation,
    current,
    health: observation.health,
    failed,
    recordedFailure: recordedAsFailed ? failure.record : null,
    since: failed
      ? startOf({
          from: observation.current,
          to: null,
          health: observation.health,
          history: session.history,
          rollback: null
        })
      : null,
    telling: tellingLines(diagnosis ?? seen),
    recommended,
    candidates,
    chosen,
    risks: unique(risks),
    blockers,
    plan: chosen && draft ? planOf(session, observation, chosen.release, draft) : null,
    interrupted,
    withConfig: session.withConfig,
    diagnosis,
    notes: [
      ...session.notes,
      ...observation.notes,
      ...settled.values(),
      ...notes,
      ...unreadableNotes(unreadable),
      ...disagreements(session.history, observation),
      ...(failure?.repeated ? [failedAgain(failure.record)] : []),
      ...(draft?.notes ?? []),
      ...undiagnosed
    ]
  }
}

const nothingAsked = { diagnosis: null, undiagnosed: [] }

/** A diagnosis helps, but the assessment does not need it. */
const investigated = (session: Session, signal: AbortSignal) =>
  orElse(
    signal,
    diagnose(session, signal).then((diagnosis) => ({ diagnosis, undiagnosed: [] })),
    (error) => ({
      diagnosis: null,
      undiagnosed: [`The diagnosis failed: ${quoteLine(session.mask, messageOf(error), 300)}`]
    })
  )

const glanceWithinMs = 3000

/** What a short look into the logs tells; nothing where they cannot be read, or not soon. */
const glanced = (session: Session, signal: AbortSignal) =>
  orElse(signal, diagnose(session, withLimit(signal, glanceWithinMs)), () => null)

/** The beginning of an identity, with or without what comes before its hash: "sha256:2f204d26fef0", "2f204d26fef0". */
const isShortFor = (text: string, id: string): boolean =>
  text.length >= 12 && (id.startsWith(text) || id.startsWith(`sha256:${text}`))

/** The candidate that the caller named: by version, with or without a leading v, by the beginning of its identity, or by its commit. */
export function named(
  target: string,
  version: string,
  candidates: readonly Candidate[],
  observation: Observation
): Candidate {
  const bare = (text: string): string => text.replace(/^v(?=\d)/, '')
  const found =
    candidates.find(({ release }) => release.version === version) ??
    candidates.find(({ release }) => bare(release.version) === bare(version)) ??
    candidates.find(({ release }) => isShortFor(version, release.id)) ??
    candidates.find(({ release }) => /^[0-9a-f]{7,40}$/.test(version) && release.commit?.startsWith(version))
  if (found) return found
  if (observation.current && bare(observation.current.version) === bare(version))
    throw new InputError({
      what: `${target} cannot be rolled back to ${version}`,
      why: 'it is the version that serves now',
      next: 'Name another version, or omit it to take the recommended one.',
      code: 'already_current'
    })
  const known = candidates.slice(0, 8).map(({ release }) => release.version)
  throw new InputError({
    what: `${target} has no version ${version}`,
    why: known.length > 0 ? `it has ${known.join(', ')}` : 'it has no earlier version',
    next: 'Name one of these, or omit the version to take the recommended one.',
    code: 'unknown_version'
  })
}

const failedAgain = ({ version, at }: DeploymentRecord): string =>
  `deploy.json records that a deployment of ${version} failed at ${at}, when ${version} served already. It does not count as a failure of what serves.`

function nothingToGoBackTo(candidates: readonly Candidate[]): Blocker {
  const withName = candidates.filter(({ release }) => release.version !== release.id)
  const listed = (withName.length > 0 ? withName : candidates).slice(0, 5)
  const [newest] = listed.flatMap(({ release }) => (release.available.state === 'no' ? [] : [shortName(release)]))
  const known = listed.map(({ release, evidenceAgainst }) => {
    const [first] = evidenceAgainst
    return `${shortName(release)} (${first ?? 'nothing says that it ever worked'})`
  })
  return {
    id: 'no_candidate',
    what: 'No release is recommended',
    why: known.length === 0 ? 'the target knows no earlier release' : `known are ${known.join(', ')}`,
    next:
      newest === undefined
        ? 'Deploy a fixed version.'
        : `If you know that one of them worked, name it: pop-deploy-rollback rollback --to ${newest}. Or deploy a fixed version.`
  }
}
