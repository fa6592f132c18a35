import { join } from 'node:path'
import { InputError } from '../support/errors.ts'
import type { Assessment } from './assess.ts'
import { carryOut } from './carry-out.ts'
import { collectDiagnosis } from './collect-diagnosis.ts'
import { conclude } from './conclude.ts'
import { type CarryOutContext, notRun } from './ending.ts'
import type { ExecuteHooks, ExecuteRequest, RollbackResult } from './execute.ts'
import type { Interrupted } from './interrupted.ts'
import { type Journal, openJournal, stepsInEffect } from './journal.ts'
import { keepLease } from './keep-lease.ts'
import { takeLock, thisHolder } from './lock.ts'
import type { Session } from './session.ts'
import { type Carrying, revertSteps } from './step-runner.ts'

type Direction = 'finish' | 'undo'

/** Finishes or undoes an interrupted rollback, whichever plan was approved. @throws InputError when it was neither. */
export async function resume(
  session: Session,
  assessment: Assessment,
  request: ExecuteRequest,
  hooks: ExecuteHooks,
  limit: AbortSignal
): Promise<RollbackResult> {
  const interrupted = assessment.interrupted
  const direction = interrupted && directionOf(interrupted, request)
  if (!interrupted || !direction) throw interruptedFirst(interrupted)
  if (request.dryRun) return checkedResumption(interrupted, assessment, direction)
  await hooks.consent(assessment)

  const lock = await takeLock(session.files.lock, interrupted.rollbackId)
  try {
    const journal = await openJournal(
      join(session.files.journals, `${interrupted.rollbackId}.jsonl`),
      session.clock,
      session.mask
    )
    try {
      await copyStory(interrupted, journal)
      await journal.append({ event: 'resumed', direction, holder: thisHolder() })
      const lease = await keepLease(session, interrupted.story.begun, limit)
      const context = {
        journal,
        lease,
        limit,
        hooks,
        failed: assessment.failed,
        diagnosis: collectDiagnosis(session, journal)
      }
      return direction === 'finish'
        ? await finish(session, interrupted, context)
        : await undo(session, interrupted, context)
    } finally {
      await journal.close()
    }
  } finally {
    await lock.release()
  }
}

function directionOf({ finish, undo }: Interrupted, { planId, version }: ExecuteRequest): Direction | null {
  if (planId === finish.id && version === finish.version) return 'finish'
  if (undo && planId === undo.id && version === undo.version) return 'undo'
  return null
}

const interruptedFirst = (interrupted: Interrupted | null): InputError => {
  const ways = interrupted ? [`finish it (version ${interrupted.finish.version}, plan ${interrupted.finish.id})`] : []
  if (interrupted?.undo) ways.push(`undo it (version ${interrupted.undo.version}, plan ${interrupted.undo.id})`)
  return new InputError({
    what: 'An interrupted rollback comes first',
    why: `${interrupted?.rollbackId ?? 'a rollback'} was begun at ${interrupted?.startedAt ?? 'some time'} and never ended`,
    state: 'It stands half way. This call changed nothing.',
    next: `Call execute_rollback to ${ways.join(', or to ')}.`,
    code: 'interrupted'
  })
}

/** A rollback that is known only from the target's mark gets its journal here, too. */
async function copyStory(interrupted: Interrupted, journal: Journal): Promise<void> {
  if (interrupted.knownFrom === 'journal') return
  for (const { at: _, ...entry } of interrupted.story.events) await journal.append(entry)
}

async function finish(session: Session, interrupted: Interrupted, context: CarryOutContext): Promise<RollbackResult> {
  const inEffect = stepsInEffect(interrupted.story)
  const done = new Set([...inEffect].filter(([, step]) => step.done).map(([id]) => id))
  return carryOut(session, interrupted.story.begun, {
    ...context,
    done,
    recorded: recordings(interrupted),
    remains: new Map([...inEffect].flatMap(([id, { remains }]) => (remains ? [[id, remains] as const] : [])))
  })
}

async function undo(session: Session, interrupted: Interrupted, context: CarryOutContext): Promise<RollbackResult> {
  const { begun } = interrupted.story
  const inEffect = stepsInEffect(interrupted.story)
  const carrying: Carrying = {
    session,
    journal: context.journal,
    rollbackId: begun.rollbackId,
    signal: context.limit,
    cancelled: context.hooks.cancel,
    report: context.hooks.report,
    steps: begun.steps,
    outcomes: new Map(begun.steps.map((step) => [step.id, notRun(step)])),
    recorded: recordings(interrupted),
    remains: new Map()
  }
  const { failed, left } = await revertSteps(carrying, begun.steps.filter(({ id }) => inEffect.has(id)).reverse())
  const back = begun.from?.version ?? 'the state before'
  return conclude(
    { session, begun, context, carrying },
    failed
      ? {
          outcome: 'stuck',
          state: `Undoing stopped: ${failed.message}.`,
          remains: left.flatMap(({ undo: line, undoByHand }) =>
            line ? [`${line}${undoByHand ? `: ${undoByHand.join(' && ')}` : ''}`] : []
          )
        }
      : { outcome: 'restored', state: `The interrupted rollback was undone; ${back} is back as it was.` }
  )
}

const recordings = ({ story }: Interrupted) =>
  new Map([...stepsInEffect(story)].flatMap(([id, { recorded }]) => (recorded ? [[id, recorded] as const] : [])))

function checkedResumption(interrupted: Interrupted, { failed }: Assessment, direction: Direction): RollbackResult {
  const { begun } = interrupted.story
  const lines = (direction === 'finish' ? interrupted.finish : interrupted.undo)?.lines ?? []
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
    state: `The interrupted rollback would be ${direction === 'finish' ? 'finished' : 'undone'}. Nothing was changed.`,
    remains: [],
    instructions: []
  }
}
