import type { Blocker, Risk } from '../../model/observation.ts'
import { isoNow } from '../../support/clock.ts'
import { messageOf } from '../../support/errors.ts'
import { quoteLine } from '../../support/quote.ts'
import { assess, type Found } from '../assess/assess.ts'
import type { Assessment, Candidate } from '../assess/assessment.ts'
import { lockHolder } from '../guard/lock.ts'
import { type Choice, chooseReleases } from './choose-releases.ts'
import type { GroupAssessment, GroupMember, GroupPlan } from './group-assessment.ts'
import type { GroupRecord } from './group-journal.ts'
import { groupPlanId } from './group-plan-id.ts'
import { candidateToResume, interruptedGroup, isSettled, ofTarget, unfinishedGroup } from './interrupted-group.ts'
import { meeting } from './meeting.ts'
import type { GroupTarget, OpenGroup } from './open-group.ts'
import { inOrder } from './order.ts'
import { markOf } from './same-release.ts'
import { groupVersion, versionLabel } from './versions.ts'

interface AssessGroupOptions {
  version?: string | undefined
  investigate?: boolean | undefined
  signal: AbortSignal
}

/**
 * Assesses several targets side by side and plans for each the way to the release that served on all of them last. A target that was not
 * part of the failed release stays. While a rollback of several targets is unfinished, its options are given in place of a plan.
 * @throws InputError for a version that no target has.
 */
export async function assessGroup(group: OpenGroup, options: AssessGroupOptions): Promise<GroupAssessment> {
  const found = await unfinishedGroup(group)
  const { choice, unfinished, assessed } = await assessAll(group, options, found)
  options.signal.throwIfAborted()
  const assessments = new Map(
    [...assessed].flatMap(([name, found]) => (typeof found === 'string' ? [] : [[name, found] as const]))
  )
  const interrupted = unfinished && interruptedGroup(unfinished, assessments)
  const going = unfinished ? unfinished.begun.members.map(({ target }) => target) : [...choice.members.keys()]
  const members = membersOf(group, going, choice, assessed)
  const blockers = interrupted ? [] : [...members.flatMap(blockersOf), ...(await blockersOfAll(group, members))]
  const plan = interrupted ? null : planOf(group, members)
  return {
    names: group.names,
    members,
    staying: unfinished
      ? []
      : [...choice.staying].map(([target, why]) => ({
          target,
          version: assessments.get(target)?.current?.version ?? null,
          why
        })),
    ranTogetherUntil: choice.ranTogetherUntil,
    risks: [...(plan ? mixture(choice, plan) : []), ...members.flatMap(risksOf)],
    blockers,
    plan,
    interrupted,
    notes: [...notesOf(assessments), ...(found && !unfinished ? [settledNote(found)] : [])]
  }
}

interface Assessed {
  choice: Choice
  /** The group that is still unfinished, by what the targets show. */
  unfinished: GroupRecord | null
  /** Of a target that did not answer, why. */
  assessed: Map<string, Assessment | string>
}

async function assessAll(
  group: OpenGroup,
  { version, investigate, signal }: AssessGroupOptions,
  begun: GroupRecord | null
): Promise<Assessed> {
  const { project, targets } = group
  const wanted = groupVersion(
    version,
    targets.map(({ name }) => name)
  )
  const now = isoNow(project.clock)
  const decisionOn = (found: ReadonlyMap<string, Found>): Decision => {
    const unfinished = begun && isSettled(begun, found) ? null : begun
    return { unfinished, choice: chooseReleases(group, found, unfinished ? null : wanted, now) }
  }
  let decision: Decision | null = null
  let refusal: unknown = null
  const decide = (found: ReadonlyMap<string, Found>): Decision => {
    try {
      decision = decisionOn(found)
      return decision
    } catch (error) {
      refusal = error
      throw error
    }
  }
  const opened = targets.filter(({ session }) => session)
  const all = meeting(
    opened.map(({ name }) => name),
    decide
  )
  const chooseFor =
    ({ name }: GroupTarget) =>
    async (found: Found): Promise<Candidate | null> => {
      const { choice, unfinished } = await all.arrive(name, found)
      return unfinished ? candidateToResume(unfinished, name, found) : (choice.members.get(name) ?? null)
    }
  const assessed = await Promise.all(
    targets.map(async (target): Promise<[string, Assessment | string]> => {
      const { name, session, unopened } = target
      if (!session) return [name, unopened ?? 'it could not be opened']
      try {
        return [name, await assess(session, { signal, investigate, choose: chooseFor(target) })]
      } catch (error) {
        return [name, quoteLine(project.mask, messageOf(error), 300)]
      } finally {
        all.leave(name)
      }
    })
  )
  if (refusal) throw refusal
  // Where no target was seen, nothing was decided yet.
  return { ...(decision ?? decisionOn(new Map())), assessed: new Map(assessed) }
}

type Decision = Pick<Assessed, 'choice' | 'unfinished'>

/** The targets that go back, in the order in which they do. */
function membersOf(
  group: OpenGroup,
  going: readonly string[],
  choice: Choice,
  assessed: Assessed['assessed']
): GroupMember[] {
  const items = group.targets
    .filter(({ name }) => going.includes(name))
    .map(({ name, holds, history }) => {
      const found = assessed.get(name)
      const assessment = typeof found === 'object' ? found : null
      const current = assessment?.current
      return {
        target: name,
        holds,
        assessment,
        unseen: typeof found === 'string' ? found : null,
        periods: choice.periods.get(name) ?? [],
        deployedAt: current ? markOf(current, history).at : undefined,
        packages: assessment?.observation.packages
      }
    })
  return inOrder(items, group.settings.order).map(({ target, assessment, unseen, periods }) => ({
    target,
    assessment,
    unseen,
    periods
  }))
}

function planOf({ settings: { onFailure } }: OpenGroup, members: readonly GroupMember[]): GroupPlan | null {
  const planned = members.flatMap(({ target, assessment }) =>
    assessment?.plan ? [{ target, from: assessment.current, plan: assessment.plan }] : []
  )
  if (planned.length === 0 || planned.length < members.length) return null
  return {
    id: groupPlanId(
      planned.map(({ target, plan }) => ({ target, planId: plan.id })),
      onFailure
    ),
    version: versionLabel(
      planned.map(({ target, plan }) => ({ target, version: nameable(target, plan.to.id, members) }))
    ),
    members: planned,
    onFailure
  }
}

/** The version of the chosen candidate; its identity where another candidate comes first under that version. */
function nameable(target: string, id: string, members: readonly GroupMember[]): string {
  const { candidates = [] } = members.find((one) => one.target === target)?.assessment ?? {}
  const chosen = candidates.find(({ release }) => release.id === id)
  const first = candidates.find(({ release }) => release.version === chosen?.release.version)
  return first === chosen && chosen ? chosen.release.version : id
}

const risksOf = ({ target, assessment }: GroupMember): Risk[] =>
  (assessment?.risks ?? []).map((risk) => ofTarget(target, risk))

/** That the chosen versions serve well one by one does not say that they do together. */
function mixture({ ranTogetherUntil, sameName }: Choice, { members }: GroupPlan): Risk[] {
  if (ranTogetherUntil || sameName || members.length < 2) return []
  return [
    {
      id: 'mixture',
      serious: true,
      title: 'These versions are not known to have served together',
      detail: `${members.map(({ target, plan }) => `${target} ${plan.to.version}`).join(', ')}: each served well, but neither deploy.json nor the targets tell of a moment at which all of them did.`
    }
  ]
}

function blockersOf({ target, assessment, unseen }: GroupMember): Blocker[] {
  if (!assessment)
    return [
      {
        id: 'no_answer',
        what: `${target} was not assessed`,
        why: unseen ?? 'it did not answer',
        next: 'Repair that, or name the other targets alone.'
      }
    ]
  const { interrupted, blockers } = assessment
  if (interrupted)
    return [
      {
        id: 'interrupted',
        what: `${target} has an interrupted rollback`,
        why: `${interrupted.rollbackId} began at ${interrupted.startedAt} and never ended`,
        next: `Finish or undo it first: pop-deploy-rollback rollback --target ${target}`
      }
    ]
  return blockers.map((blocker) => ({ ...blocker, what: `${target}: ${blocker.what}` }))
}

async function blockersOfAll({ paths }: OpenGroup, members: readonly GroupMember[]): Promise<Blocker[]> {
  const holder = await lockHolder(paths.groupLock)
  const running: Blocker[] = holder
    ? [
        {
          id: 'running',
          what: 'Another rollback of several targets is running',
          why: `process ${holder.pid} on ${holder.host} runs ${holder.rollbackId}`,
          next: 'Wait until it ends, then assess again.'
        }
      ]
    : []
  if (members.length > 0) return running
  return [
    ...running,
    {
      id: 'nothing_to_roll_back',
      what: 'No target is to be rolled back',
      why: 'none of them serves a release that could have failed',
      next: 'Name a target to roll it back alone.'
    }
  ]
}

/** Each note once: those that each target gives without its name. */
function notesOf(assessments: ReadonlyMap<string, Assessment>): string[] {
  const all = [...assessments].flatMap(([target, { notes }]) => notes.map((note) => ({ target, note })))
  const times = (note: string): number => all.filter((one) => one.note === note).length
  return [...new Set(all.map(({ target, note }) => (times(note) > 1 ? note : `${target}: ${note}`)))]
}

const settledNote = ({ begun }: GroupRecord): string =>
  `${begun.groupId}, begun at ${begun.at}, never ended in its journal. It is taken as settled: nothing of it is left to do.`
