import type { Release } from '../../model/release.ts'
import { isoNow } from '../../support/clock.ts'
import { messageOf } from '../../support/errors.ts'
import { duration } from '../../support/text.ts'
import type { LineLog } from '../journal/write-journal.ts'
import type { GroupAssessment } from './group-assessment.ts'
import type { GroupBegun, GroupEntry } from './group-journal.ts'
import { type GroupResult, type MemberResult, worstOf } from './group-result.ts'
import type { OpenGroup } from './open-group.ts'
import { periodsOf, ranTogether } from './ran-together.ts'

interface Ended {
  assessment: GroupAssessment
  begun: GroupBegun
  journal: LineLog<GroupEntry>
  members: Omit<MemberResult, 'serves'>[]
  /** How it ended, where the outcome does not say it. */
  title?: string
}

const observeWithinMs = 15_000

/** Ends a rollback of several targets: asks each one that did not simply succeed what serves there now, and writes the journal's end. */
export async function concludeGroup(group: OpenGroup, ended: Ended): Promise<GroupResult> {
  const { begun, journal, assessment } = ended
  const { clock, mask, log } = group.project
  const members = await Promise.all(ended.members.map(async (one) => ({ ...one, serves: await serving(group, one) })))
  const outcome = worstOf(members.map((one) => one.outcome))
  const mixture = outcome === 'succeeded' ? null : servedTogether(group, members)
  const state = mask.text(stateOf(members, mixture, ended.title))
  const durationMs = Math.max(0, clock.now().getTime() - Date.parse(begun.at))
  await journal.append({ event: 'ended', outcome, durationMs, state }).catch((error: unknown) => {
    log('warning', `The end could not be written to the journal of ${begun.groupId}: ${messageOf(error)}`)
  })
  return {
    names: assessment.names,
    groupId: begun.groupId,
    outcome,
    dryRun: false,
    members,
    staying: assessment.staying,
    mixture,
    durationMs,
    state,
    title: ended.title ?? null
  }
}

async function serving(
  { targets }: OpenGroup,
  { target, outcome, to }: Ended['members'][number]
): Promise<Release | null> {
  if (outcome === 'succeeded') return to
  const session = targets.find(({ name }) => name === target)?.session
  const observed = await session?.target.observe(AbortSignal.timeout(observeWithinMs)).catch(() => null)
  return observed?.observation.current ?? null
}

/** When what serves now served together before; null where it is not known to have, or not every target answered. */
function servedTogether({ targets, project }: OpenGroup, members: readonly MemberResult[]): GroupResult['mixture'] {
  const now = isoNow(project.clock)
  const serving = new Map(members.flatMap(({ target, serves }) => (serves ? [[target, serves]] : [])))
  if (serving.size < members.length) return null
  const periods = members.map(({ target, from, to }) => {
    const history = targets.find(({ name }) => name === target)?.history ?? []
    return [target, periodsOf([to, ...(from ? [from] : [])], history, now)] as const
  })
  return ranTogether(new Map(periods), serving)
}

function stateOf(members: readonly MemberResult[], mixture: GroupResult['mixture'], title: string | undefined): string {
  const serves = members.map(({ target, serves: now }) => `${target} ${now ? now.version : 'unknown'}`).join(', ')
  const isMixed = new Set(members.map(({ serves: now, from }) => now?.id === from?.id)).size > 1
  const known = mixture
    ? ` These versions served together before, for ${duration(Date.parse(mixture.until) - Date.parse(mixture.from))} until ${mixture.until}.`
    : ' These versions are not known to have served together before.'
  return `${title ? `${title}. ` : ''}Now: ${serves}.${isMixed ? known : ''}`
}
