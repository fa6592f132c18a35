import { join } from 'node:path'
import type { Survey } from '../../model/observation.ts'
import { InputError } from '../../support/errors.ts'
import type { Assessment } from '../assess/assess.ts'
import { type KeptLease, keepLease } from '../guard/lease.ts'
import { takeLock, thisHolder } from '../guard/lock.ts'
import { refusedFor } from '../guard/refusals.ts'
import { type Interrupted, interruptedAs, liveElsewhere, wayTo } from '../journal/interrupted.ts'
import { openJournal, readStories, type Story, stepsInEffect } from '../journal/journal.ts'
import type { ResumePlan } from '../journal/resume-options.ts'
import type { Session } from '../session.ts'
import { carryOut } from './carry-out.ts'
import { collectDiagnosis } from './collect-diagnosis.ts'
import { conclude } from './conclude.ts'
import type { ExecuteHooks, ExecuteRequest, RollbackResult } from './execute.ts'
import { type CarryOutContext, carryingOf } from './rollback-run.ts'
import { undoAll } from './undo.ts'

/**
 * Finishes, undoes or closes an interrupted rollback, whichever plan was approved.
 * @throws InputError when it was none of them, or is no longer open once lock and answer are there; nothing was changed then.
 */
export async function resume(
  session: Session,
  assessment: Assessment,
  request: ExecuteRequest,
  hooks: ExecuteHooks
): Promise<RollbackResult> {
  const { interrupted, blockers } = assessment
  const way = interrupted?.ways.find(({ id, version }) => id === request.planId && version === request.version)
  if (!interrupted || !way) throw interruptedFirst(interrupted)
  const running = blockers.find(({ id }) => id === 'running')
  if (running) throw refusedFor(running)
  if (request.dryRun) return checkedResumption(interrupted, assessment, way)
  await hooks.consent(assessment, way)

  const limit = session.clock.limit(session.settings.limitMs)
  const { rollbackId } = interrupted
  const lock = await takeLock(session.files.lock, rollbackId)
  let lease: KeptLease | null = null
  try {
    const { story, survey } = await stillOpen(session, interrupted, way, limit)
    const { begun } = story
    const journal = await openJournal(join(session.files.journals, `${rollbackId}.jsonl`), session.clock, session.mask)
    try {
      const another = survey.lease && survey.lease.record.rollbackId !== rollbackId
      if (!another) lease = await keepLease(session, begun, limit, beganAftercare(story))
      if (story.path === '') await journal.copy(story.events)
      await journal.append({ event: 'resumed', direction: way.direction, holder: thisHolder() })
      if (lease) await journal.append({ event: 'leased' })
      return await carryOn(session, story, way, {
        journal,
        lease,
        limit,
        hooks,
        failed: assessment.failed,
        diagnosis: way.direction === 'close' ? Promise.resolve() : collectDiagnosis(session, journal)
      })
    } finally {
      await journal.close()
    }
  } finally {
    lease?.stop()
    await lock.release()
  }
}

/**
 * Looks again, now that nobody else on this machine can begin: it may have ended while the question was open, be carried on by
 * another machine, or stand on a target that was changed since. @throws InputError when it is not what was approved.
 */
async function stillOpen(
  session: Session,
  interrupted: Interrupted,
  { direction, id }: ResumePlan,
  signal: AbortSignal
): Promise<{ story: Story; survey: Survey }> {
  const [stories, survey] = await Promise.all([
    readStories(session.files.journals, session.name),
    session.target.survey(signal)
  ])
  const live = liveElsewhere(survey)
  if (live) throw refusedFor(live)
  const { rollbackId, knownFrom } = interrupted
  const known = stories.find(({ begun }) => begun.rollbackId === rollbackId)
  if (known?.ended) throw endedMeanwhile(rollbackId, known.ended.outcome)
  const story = known ?? interrupted.story
  const now = wayTo(interruptedAs(story, survey, knownFrom), direction)
  if (now?.id !== id) throw changedMeanwhile(rollbackId)
  return { story, survey }
}

function carryOn(
  session: Session,
  story: Story,
  { direction }: ResumePlan,
  context: CarryOutContext
): Promise<RollbackResult> {
  if (direction === 'finish') return finish(session, story, context)
  return direction === 'undo' ? undo(session, story, context) : close(session, story, context)
}

const finish = (session: Session, story: Story, context: CarryOutContext): Promise<RollbackResult> =>
  carryOut(session, story.begun, { ...context, inEffect: stepsInEffect(story) })

async function undo(session: Session, story: Story, context: CarryOutContext): Promise<RollbackResult> {
  const { begun, events } = story
  const inEffect = stepsInEffect(story)
  const cures = begun.steps.filter(({ phase }) => phase === 'cure').map(({ id }) => id)
  const carrying = carryingOf(session, begun, { ...context, inEffect })
  return undoAll(
    { session, begun, context, carrying },
    {
      why: 'The interrupted rollback was undone',
      asked: true,
      checks: [],
      steps: begun.steps.filter(({ id }) => inEffect.has(id)).reverse(),
      touched: events.some((event) => event.event === 'step' && cures.includes(event.stepId))
    }
  )
}

/** Ends what somebody's deployment, or another machine, has settled: nothing is done on the target but taking the mark away. */
async function close(session: Session, { begun }: Story, context: CarryOutContext): Promise<RollbackResult> {
  const carrying = carryingOf(session, begun, context)
  return conclude(
    { session, begun, context, carrying },
    {
      outcome: 'cancelled',
      state: `${begun.rollbackId} was closed: neither finished nor undone. What is deployed was left as it is.`
    }
  )
}

function beganAftercare(story: Story): boolean {
  const inEffect = stepsInEffect(story)
  return story.begun.steps.some(({ id, phase }) => phase === 'aftercare' && inEffect.has(id))
}

const interruptedFirst = (interrupted: Interrupted | null): InputError => {
  const ways = interrupted?.ways.map(({ direction, version, id }) => `${direction} it (version ${version}, plan ${id})`)
  return new InputError({
    what: 'An interrupted rollback comes first',
    why: `${interrupted?.rollbackId ?? 'a rollback'} was begun at ${interrupted?.startedAt ?? 'some time'} and never ended`,
    state: 'It stands half way. This call changed nothing.',
    next: `Call execute_rollback to ${ways?.join(', or to ')}.`,
    code: 'interrupted'
  })
}

const endedMeanwhile = (rollbackId: string, outcome: string): InputError =>
  new InputError({
    what: 'The interrupted rollback is no longer open',
    why: `${rollbackId} was ended meanwhile by another call: ${outcome}`,
    state: 'This call changed nothing.',
    next: 'Call assess_rollback to see what serves now.',
    code: 'ended_meanwhile'
  })

const changedMeanwhile = (rollbackId: string): InputError =>
  new InputError({
    what: 'The plan that was shown is no longer true, so it is not carried out',
    why: `${rollbackId} or the target was changed since it was shown`,
    state: 'This call changed nothing.',
    next: 'Call assess_rollback again and look at the new plans.',
    code: 'stale_plan'
  })

const verbs = { finish: 'finished', undo: 'undone', close: 'closed' } as const

function checkedResumption(
  { story: { begun } }: Interrupted,
  { failed }: Assessment,
  { direction, lines }: ResumePlan
): RollbackResult {
  return {
    rollbackId: begun.rollbackId,
    outcome: 'checked',
    dryRun: true,
    from: begun.from,
    to: begun.to,
    failed,
    lastGood: false,
    steps: lines.map((title, index) => ({ id: `${direction}-${index + 1}`, title, phase: 'cure', state: 'checked' })),
    checks: [],
    durationMs: 0,
    state: `The interrupted rollback would be ${verbs[direction]}. Nothing was changed.`,
    remains: [],
    instructions: []
  }
}
