import { z } from 'zod'
import { type Outcome, outcomeSchema } from '../model/outcome.ts'
import type { GroupResult, MemberResult } from '../rollback/group/group-result.ts'
import { versionLabel } from '../rollback/group/versions.ts'
import type { RollbackResult } from '../rollback/run/result.ts'
import type { NextCall } from '../support/next-call.ts'
import { duration } from '../support/text.ts'
import { labelled, type Rendered } from './answer.ts'
import { stepLines } from './rollback.ts'

const releaseSchema = z.strictObject({ version: z.string(), id: z.string() })

export const groupRollbackSchema = z.strictObject({
  rollback_id: z.string().nullable(),
  target: z.string(),
  outcome: outcomeSchema,
  dry_run: z.boolean(),
  targets: z.array(
    z.strictObject({
      target: z.string(),
      rollback_id: z.string().nullable(),
      outcome: outcomeSchema,
      from: releaseSchema.nullable(),
      to: releaseSchema,
      serves: releaseSchema.nullable(),
      state: z.string(),
      remains: z.array(z.string()).optional(),
      instructions: z.array(z.string()).optional()
    })
  ),
  served_together: z.strictObject({ from: z.string(), until: z.string() }).optional(),
  duration_ms: z.number(),
  state: z.string()
})

interface Request {
  version: string
  plan_id: string
  accept?: readonly string[] | undefined
  rehearse?: boolean | undefined
}

/** How a rollback of several targets, or its dry run, ended. */
export const renderGroupRollback = (result: GroupResult, request: Request): Rendered<typeof groupRollbackSchema> => ({
  ok: result.outcome === 'succeeded' || result.outcome === 'checked',
  summary: summary(result),
  next: nextCalls(result, request),
  data: dataOf(result)
})

function summary(result: GroupResult): string {
  const { members, dryRun, durationMs } = result
  return [
    news(result),
    ...labelled(
      'do',
      sharedLines(members, (own) => own.instructions)
    ),
    ...labelled(
      'to do',
      sharedLines(members, (own) => own.remains)
    ),
    '',
    dryRun ? 'Deployment Rollback (dry run)' : 'Deployment Rollback',
    '===================',
    `Targets: ${members.map(({ target }) => target).join(', ')}`,
    `Current: ${members.map(({ target, from, result: own }) => `${target} ${from?.version ?? 'nothing'}${own?.failed ? ' (FAILED)' : ''}`).join(', ')}`,
    `Rollback to: ${members.map(({ target, to }) => `${target} ${to.version}`).join(', ')}`,
    '',
    'Steps:',
    ...members.flatMap(memberLines),
    '',
    `Result: ${result.title ?? titleOf(result)}`,
    ...(dryRun ? [] : [`Duration: ${duration(durationMs)}`]),
    '',
    `Next: ${nextLine(result)}`
  ].join('\n')
}

/** What serves now, in one line. */
function news(result: GroupResult): string {
  const { members, outcome, state } = result
  if (outcome === 'succeeded')
    return `${members.map(({ target, to, from }) => `${target} serves ${to.version} again (was ${from?.version ?? 'nothing'})`).join('; ')}.`
  return `${members.map(({ target }) => target).join(', ')}: ${outcome === 'checked' ? '' : `${result.title ?? titleOf(result)}. `}${state}`
}

/** Each line once, with the targets that it is about. */
function sharedLines(members: readonly MemberResult[], linesOf: (own: RollbackResult) => readonly string[]): string[] {
  const targets = new Map<string, string[]>()
  for (const { target, result } of members)
    for (const line of result ? linesOf(result) : []) targets.set(line, [...(targets.get(line) ?? []), target])
  return [...targets].map(([line, names]) => `${names.join(', ')}: ${line}`)
}

function memberLines(member: MemberResult): string[] {
  const { target, result, why, outcome } = member
  const state = result && outcome !== 'succeeded' && outcome !== 'checked' ? ` ${result.state}` : ''
  return [
    `  ${target}: ${wordOf(member)}${why ? ` (${why})` : ''}${state}`,
    ...(result ? stepLines(result).map((line) => `  ${line}`) : [])
  ]
}

const words: Record<Outcome, string> = {
  succeeded: 'done',
  undone: 'FAILED, undone',
  stuck: 'STUCK, a person must act',
  manual: 'a person must do a step',
  cancelled: 'not begun',
  unverified: 'done, but unverified',
  checked: 'checked',
  refused: 'not begun'
}

const wordOf = ({ outcome }: MemberResult): string => words[outcome]

const isBack = ({ serves, to }: MemberResult): boolean => serves?.id === to.id

function titleOf({ outcome, members }: GroupResult): string {
  if (outcome === 'succeeded') return 'ROLLBACK SUCCESS'
  if (outcome === 'checked') return 'DRY RUN, every precondition of every target holds'
  const back = members.filter(isBack)
  if (outcome === 'unverified') return 'DONE BUT UNVERIFIED'
  if (back.length > 0 && back.length < members.length)
    return `PARTIAL: ${members.map((member) => `${member.target} ${isBack(member) ? 'went back' : 'did not go back'}`).join(', ')}`
  return {
    undone: 'ROLLBACK FAILED, undone: what served before serves again',
    stuck: 'ROLLBACK STUCK, a person must act',
    manual: 'MANUAL STEP NEEDED',
    cancelled: 'CANCELLED, nothing that serves was touched',
    refused: 'REFUSED, nothing was changed'
  }[outcome]
}

function nextLine(result: GroupResult): string {
  if (result.outcome === 'succeeded') return 'Investigate root cause, then /popkit-ops:deploy execute when fixed'
  if (result.outcome === 'checked') return 'Roll back with the same arguments without dry_run'
  const { finish, undo } = waysOn(result)
  const ways = [
    ...(finish.length > 0 ? [`finish the rest (${finish.map(({ target }) => target).join(', ')})`] : []),
    ...(undo.length > 0 ? [`undo what went back (${undo.map(({ target }) => target).join(', ')})`] : [])
  ]
  if (result.outcome === 'manual' || result.outcome === 'unverified' || ways.length === 0)
    return 'Do what is said above, then verify each target'
  return `Choose: ${ways.join(', or ')}. Assess the targets again for that`
}

/** The targets with which the rest is finished, and those with which everything is undone. */
function waysOn({ members, dryRun }: GroupResult): { finish: MemberResult[]; undo: MemberResult[] } {
  if (dryRun || members.every(isBack)) return { finish: [], undo: [] }
  const manual = (member: MemberResult): boolean => member.outcome === 'manual'
  return {
    finish: members.filter((member) => !isBack(member) && !manual(member)),
    undo: members.filter((member) => isBack(member) && member.from !== null)
  }
}

const dataOf = (result: GroupResult): z.infer<typeof groupRollbackSchema> => ({
  rollback_id: result.groupId,
  target: result.names,
  outcome: result.outcome,
  dry_run: result.dryRun,
  targets: result.members.map(({ target, outcome, from, to, serves, result: own, why }) => ({
    target,
    rollback_id: own?.rollbackId ?? null,
    outcome,
    from: from && { version: from.version, id: from.id },
    to: { version: to.version, id: to.id },
    serves: serves && { version: serves.version, id: serves.id },
    state: own?.state ?? why ?? '',
    ...(own && own.remains.length > 0 && { remains: own.remains }),
    ...(own && own.instructions.length > 0 && { instructions: own.instructions })
  })),
  ...(result.mixture && { served_together: { from: result.mixture.from, until: result.mixture.until } }),
  duration_ms: result.durationMs,
  state: result.state
})

function nextCalls(result: GroupResult, { version, plan_id, accept = [], rehearse }: Request): NextCall[] {
  const { names, groupId, outcome } = result
  if (outcome === 'checked')
    return [
      {
        tool: 'execute_rollback',
        arguments: {
          target: names,
          version,
          plan_id,
          ...(accept.length > 0 && { accept }),
          ...(rehearse !== undefined && { rehearse })
        },
        when: 'to carry it out, after a person said yes'
      }
    ]
  const byId = { rollback_id: groupId }
  const { finish, undo } = waysOn(result)
  return [
    ...assessCall(finish, ({ to }) => to.version, 'to finish the rest'),
    ...assessCall(undo, ({ from }) => from?.version ?? '', 'to undo what went back'),
    { tool: 'verify_rollback', arguments: byId, when: 'to check every target again' },
    { tool: 'write_incident', arguments: byId, when: 'to write one incident report of all targets' }
  ]
}

function assessCall(
  members: readonly MemberResult[],
  versionOf: (member: MemberResult) => string,
  when: string
): NextCall[] {
  const [first, ...others] = members.map((member) => ({ target: member.target, version: versionOf(member) }))
  if (!first) return []
  const all = [first, ...others]
  const several = { target: all.map(({ target }) => target).join(','), version: versionLabel(all) }
  return [{ tool: 'assess_rollback', arguments: others.length > 0 ? several : { ...first }, when }]
}
