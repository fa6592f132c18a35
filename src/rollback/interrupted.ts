import type { Release } from '../model/release.ts'
import type { Step } from '../model/step.ts'
import type { Blocker, Risk, Survey } from '../model/survey.ts'
import { fingerprintOf } from '../support/canonical.ts'
import { camelCase } from '../support/casing.ts'
import { type Story, stepsInEffect, storyOf } from './journal.ts'
import { begunSchema, type Holder } from './journal-events.ts'
import { isAlive, lockHolder } from './lock.ts'
import type { Session } from './session.ts'

/** A rollback that was begun and never ended, with the two ways out. */
export interface Interrupted {
  rollbackId: string
  startedAt: string
  holder: Holder
  from: Release | null
  to: Release
  /** Where it is known from: the journal here, or only the mark on the target. */
  knownFrom: 'journal' | 'target'
  story: Story
  finish: ResumePlan
  /** null once the aftercare was begun: what it cleaned up may be what undoing needs. */
  undo: ResumePlan | null
}

export interface ResumePlan {
  id: string
  version: string
  /** Lines for people, in the order in which they will run. */
  lines: string[]
}

/** Finds the newest rollback that was begun on this target and has neither ended nor is still running. */
export async function findInterrupted(
  session: Session,
  survey: Survey,
  stories: readonly Story[]
): Promise<Interrupted | null> {
  const holder = await lockHolder(session.files.lock)
  const open = stories.find((story) => story.ended === null && story.begun.rollbackId !== holder?.rollbackId)
  if (open && !supersededBy(open, stories)) return asInterrupted(open, survey, 'journal')
  return fromLease(survey, stories, holder?.rollbackId)
}

/** A later rollback that ended settled what an earlier one left open. */
const supersededBy = (open: Story, stories: readonly Story[]): boolean =>
  stories.some((story) => story.ended && story.begun.at > open.begun.at && story.ended.outcome !== 'refused')

function fromLease(survey: Survey, stories: readonly Story[], running?: string): Interrupted | null {
  if (!survey.lease) return null
  const { record, expired } = survey.lease
  if (record.rollbackId === running || !(expired || isAlive(record.holder) === false)) return null
  if (stories.some((story) => story.begun.rollbackId === record.rollbackId && story.ended)) return null
  const begun = begunSchema.safeParse(camelCase(record.begun))
  if (!begun.success) return null
  const started = begun.data.steps
    .filter(({ phase }) => phase !== 'aftercare')
    .map(({ id }) => ({ event: 'step' as const, at: record.startedAt, stepId: id, state: 'started' as const }))
  const story = storyOf('', [begun.data, ...started])
  return story && asInterrupted(story, survey, 'target')
}

function asInterrupted(story: Story, survey: Survey, knownFrom: Interrupted['knownFrom']): Interrupted {
  const { begun } = story
  const inEffect = stepsInEffect(story)
  const remaining = begun.steps.filter((step) => !inEffect.get(step.id)?.done)
  const toRevert = begun.steps.filter((step) => inEffect.has(step.id) && step.phase !== 'aftercare').reverse()
  const beganAftercare = begun.steps.some((step) => step.phase === 'aftercare' && inEffect.has(step.id))
  const identify = (direction: string, steps: readonly Step[]): string =>
    `plan-${[[begun.rollbackId, direction], begun.to.id, steps.map(({ id }) => id), survey.fingerprint].map((part) => fingerprintOf(part)).join('-')}`
  return {
    rollbackId: begun.rollbackId,
    startedAt: begun.at,
    holder: begun.holder,
    from: begun.from,
    to: begun.to,
    knownFrom,
    story,
    finish: {
      id: identify('finish', remaining),
      version: begun.to.version,
      lines: [...remaining.map(({ title }) => title), 'Health check']
    },
    undo: beganAftercare
      ? null
      : {
          id: identify('undo', toRevert),
          version: begun.from?.version ?? begun.to.version,
          lines: toRevert.flatMap(({ undo }) => undo ?? [])
        }
  }
}

/** A blocker when somebody else works on this target right now. */
export async function runningElsewhere(session: Session, survey: Survey): Promise<Blocker[]> {
  const local = await lockHolder(session.files.lock)
  if (local) return [running(local.rollbackId, `process ${local.pid} on ${local.host}`)]
  const lease = survey.lease
  if (lease && !lease.expired && !local && isAlive(lease.record.holder) !== false) {
    const { host, pid, user } = lease.record.holder
    return [running(lease.record.rollbackId, `${user} on ${host} (process ${pid})`)]
  }
  return []
}

const running = (rollbackId: string, who: string): Blocker => ({
  id: 'running',
  what: 'Another rollback of this target is running',
  why: `${rollbackId} is run by ${who}`,
  next: 'Wait until it ends, then assess again.'
})

const hour = 3_600_000

/** A fourth attempt within an hour is a risk to accept: what failed three times needs a person's thought. */
export function recentAttempts(stories: readonly Story[], most: number, now: string): Risk[] {
  const since = new Date(Date.parse(now) - hour).toISOString()
  const recent = stories.filter(({ begun, ended }) => begun.at > since && ended?.outcome !== 'refused')
  if (recent.length < most) return []
  return [
    {
      id: 'attempts',
      serious: true,
      title: `${recent.length} rollbacks of this target were begun within the last hour`,
      detail: recent.map(({ begun, ended }) => `${begun.rollbackId}: ${ended?.outcome ?? 'not ended'}`).join('; ')
    }
  ]
}
