import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Diagnosis } from '../../model/diagnosis.ts'
import type { Blocker, Health, Observation, Risk } from '../../model/observation.ts'
import type { PlanDraft } from '../../model/plan.ts'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import { fingerprint } from '../../support/canonical.ts'
import { isoNow } from '../../support/clock.ts'
import { InputError, messageOf } from '../../support/errors.ts'
import { quoteLine } from '../../support/quote.ts'
import { diagnose } from '../diagnose.ts'
import { findInterrupted, type Interrupted, recentAttempts, runningElsewhere } from '../journal/interrupted.ts'
import { readJournals } from '../journal/journal.ts'
import { settledElsewhere, settledNotes } from '../journal/settled-elsewhere.ts'
import { hasFailed } from '../run/compare-health.ts'
import type { Session } from '../session.ts'
import { type Candidate, rankCandidates, recommend } from './candidates.ts'
import { codeRisks } from './code-risks.ts'
import { disagreements } from './disagreements.ts'
import { failedReturns, leftBehind, leftManually } from './former-rollbacks.ts'
import { planId } from './plan-id.ts'
import { recordedFailure } from './recorded-failure.ts'
import { spareBegun, spareObservation, spareSteps } from './spare-names.ts'

/** A plan as it is shown and approved. */
export interface Plan {
  id: string
  to: Release
  steps: Step[]
  fingerprint: string
  soakMs: number
}

export interface Assessment {
  target: string
  type: string
  observation: Observation
  current: Release | null
  health: Health
  /** The current release does not serve as it should, or its deployment is recorded as failed. */
  failed: boolean
  recommended: Candidate | null
  candidates: Candidate[]
  /** The candidate that the plan leads to. */
  chosen: Candidate | null
  risks: Risk[]
  blockers: Blocker[]
  plan: Plan | null
  interrupted: Interrupted | null
  diagnosis: Diagnosis | null
  notes: string[]
}

export interface AssessOptions {
  version?: string
  investigate?: boolean
  signal: AbortSignal
}

/**
 * An interrupted rollback comes first, and nothing else is planned then. Otherwise: observations the target, ranks what it could go back to, and plans the way to the recommended (or named) release. Reads only.
 * @throws InputError when the named version is none of the target's; TargetError when the target cannot be asked.
 */
export async function assess(session: Session, { version, investigate, signal }: AssessOptions): Promise<Assessment> {
  const [journalRecords, { observation, state }] = await Promise.all([
    readJournals(session.files.journals, session.name),
    session.target.observe(signal)
  ])
  spareObservation(session.mask, observation)
  const { diagnosis, undiagnosed } = investigate ? await investigated(session, signal) : nothingAsked
  const now = isoNow(session.clock)
  const settled = settledElsewhere(journalRecords, observation, now)
  const interrupted = await findInterrupted(
    session,
    observation,
    journalRecords.filter((journalRecord) => !settled.includes(journalRecord))
  )
  if (interrupted) spareBegun(session.mask, interrupted.journalRecord.begun)
  const formerRollbacks = [
    ...failedReturns(journalRecords),
    ...leftBehind(journalRecords),
    ...leftManually(journalRecords, observation.current)
  ]
  const failure = recordedFailure(session.history, observation.current)
  const recordedAsFailed = failure !== null && !failure.repeated
  const evidence = { history: session.history, formerRollbacks, now }
  const candidates = rankCandidates(observation.current, observation.releases, evidence)
  const recommended = recommend(observation.current, candidates)
  const chosen = interrupted ? null : version === undefined ? recommended : named(version, candidates, observation)

  const [draft, risksOfCode, elsewhere] = await Promise.all([
    chosen && session.target.plan(observation, state, chosen.release, signal),
    chosen ? codeRisks(session, observation.current, chosen.release) : [],
    runningElsewhere(session, observation)
  ])
  if (draft) spareSteps(session.mask, draft.steps)
  const blockers = [
    ...observation.blockers,
    ...elsewhere,
    ...(draft?.blockers ?? []),
    ...(chosen || interrupted ? [] : [nothingToGoBackTo(candidates)])
  ]
  const risks = [
    ...observation.risks,
    ...(draft?.risks ?? []),
    ...risksOfCode,
    ...(chosen ? weakEvidence(chosen) : []),
    ...recentAttempts(journalRecords, session.settings.maxAttempts, now),
    ...(observation.health.state === 'healthy' && !recordedAsFailed ? [looksHealthy(observation)] : [])
  ]
  return {
    target: session.name,
    type: session.type,
    observation,
    current: observation.current,
    health: observation.health,
    failed: hasFailed(observation.health.state) || recordedAsFailed,
    recommended,
    candidates,
    chosen,
    risks: unique(risks),
    blockers,
    plan: chosen && draft ? asPlan(session, observation, chosen.release, draft) : null,
    interrupted,
    diagnosis,
    notes: [
      ...session.notes,
      ...observation.notes,
      ...settledNotes(settled, observation),
      ...disagreements(session.history, observation),
      ...(failure?.repeated ? [failedAgain(failure.record)] : []),
      ...(draft?.notes ?? []),
      ...undiagnosed
    ]
  }
}

const nothingAsked = { diagnosis: null, undiagnosed: [] }

/** Why it fails is worth knowing, and the way back is worth knowing without. */
async function investigated(
  session: Session,
  signal: AbortSignal
): Promise<{ diagnosis: Diagnosis | null; undiagnosed: string[] }> {
  try {
    return { diagnosis: await diagnose(session, signal), undiagnosed: [] }
  } catch (error) {
    signal.throwIfAborted()
    const why = quoteLine(session.mask, messageOf(error), 300)
    return { diagnosis: null, undiagnosed: [`Why it fails could not be found out: ${why}`] }
  }
}

function asPlan(session: Session, observation: Observation, to: Release, draft: PlanDraft): Plan {
  const identity = {
    target: session.name,
    from: observation.current,
    to,
    steps: draft.steps,
    fingerprint: fingerprint([observation.fingerprint, draft.fingerprint])
  }
  return {
    id: planId(identity),
    to,
    steps: draft.steps,
    fingerprint: identity.fingerprint,
    soakMs: Math.max(session.settings.soakMs, draft.soakMs ?? 0)
  }
}

/** Finds a version that a caller named: by name, by name with or without a leading v, or by the beginning of its identity. */
function named(version: string, candidates: readonly Candidate[], observation: Observation): Candidate {
  const bare = (text: string): string => text.replace(/^v(?=\d)/, '')
  const found =
    candidates.find(({ release }) => release.version === version) ??
    candidates.find(({ release }) => bare(release.version) === bare(version)) ??
    candidates.find(({ release }) => version.length >= 12 && release.id.startsWith(version))
  if (found) return found
  if (observation.current && bare(observation.current.version) === bare(version))
    throw new InputError({
      what: `${version} cannot be rolled back to`,
      why: 'it is the version that serves now',
      next: 'Name another version, or leave it out to take the recommended one.',
      code: 'already_current'
    })
  const known = candidates.slice(0, 8).map(({ release }) => release.version)
  throw new InputError({
    what: `The target has no version ${version}`,
    why: known.length > 0 ? `it offers ${known.join(', ')}` : 'it offers no earlier version at all',
    next: 'Name one of these, or leave the version out to take the recommended one.',
    code: 'unknown_version'
  })
}

const failedAgain = ({ version, at }: DeploymentRecord): string =>
  `deploy.json says that a deployment of ${version} failed at ${at}, when it served already. What serves is from before it, so it is not taken for failed.`

const looksHealthy = (observation: Observation): Risk => ({
  id: 'current_healthy',
  serious: false,
  title: 'The current version looks healthy',
  detail: `${observation.current?.version ?? 'what serves'}: ${observation.health.message}. A rollback is for failures that its health does not show.`
})

const weakEvidence = ({ release, good, evidenceAgainst }: Candidate): Risk[] => {
  if (evidenceAgainst.length > 0)
    return [
      {
        id: `evidence_against:${release.version}`,
        serious: true,
        title: `There is evidence against ${release.version}`,
        detail: evidenceAgainst.join('; ')
      }
    ]
  if (good) return []
  return [
    {
      id: `unverified:${release.version}`,
      serious: true,
      title: `${release.version} is not known to have ever served well`,
      detail: 'Neither deploy.json nor the target has evidence of it.'
    }
  ]
}

const nothingToGoBackTo = (candidates: readonly Candidate[]): Blocker => ({
  id: 'no_candidate',
  what: 'No release is recommended',
  why:
    candidates.length === 0
      ? 'the target knows no earlier release'
      : `none of ${candidates
          .slice(0, 5)
          .map(({ release }) => release.version)
          .join(', ')} is known to have served well, or evidence speaks against it`,
  next:
    candidates.length === 0
      ? 'Deploy a fixed version.'
      : 'Name the version to go back to, if you know that it worked; or deploy a fixed version.'
})

const unique = (risks: readonly Risk[]): Risk[] => [...new Map(risks.map((risk) => [risk.id, risk])).values()]
