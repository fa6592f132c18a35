import { z } from 'zod'
import { checkSchema } from '../model/check.ts'
import { type Outcome, outcomeSchema } from '../model/outcome.ts'
import { verdictOf } from '../rollback/run/prove.ts'
import type { RollbackResult, StepOutcome } from '../rollback/run/result.ts'
import type { NextCall } from '../support/next-call.ts'
import { shellWord } from '../support/shell-word.ts'
import { duration, timeSpan } from '../support/text.ts'
import { labelled, type Rendered } from './answer.ts'

const releaseSchema = z.strictObject({ version: z.string(), id: z.string() })

export const rollbackSchema = z.strictObject({
  rollback_id: z.string().nullable(),
  target: z.string(),
  outcome: outcomeSchema,
  dry_run: z.boolean(),
  from: releaseSchema.nullable(),
  to: releaseSchema,
  steps: z.array(
    z.strictObject({ id: z.string(), title: z.string(), state: z.string(), duration_ms: z.number().optional() })
  ),
  checks: z.array(checkSchema),
  duration_ms: z.number(),
  state: z.string(),
  remains: z.array(z.string()).optional(),
  instructions: z.array(z.string()).optional()
})

interface Request {
  version: string
  plan_id: string
  accept?: readonly string[]
  rehearse?: boolean
  with_config?: boolean
}

/** The result of a rollback or its dry run: the block that is shown as it is, the data, the next calls. */
export const renderRollback = (result: RollbackResult, request: Request): Rendered<typeof rollbackSchema> => ({
  ok: result.outcome === 'succeeded' || result.outcome === 'checked',
  summary: summary(result),
  next: nextCalls(result, request),
  data: dataOf(result)
})

const titles: Record<Outcome, string> = {
  succeeded: 'ROLLBACK SUCCESS',
  undone: 'ROLLBACK FAILED, undone: what served before serves again',
  stuck: 'ROLLBACK STUCK, a person must act',
  manual: 'MANUAL STEP NEEDED',
  cancelled: 'CANCELLED, nothing that serves was touched',
  unverified: 'DONE BUT UNVERIFIED',
  checked: 'DRY RUN, every precondition holds',
  refused: 'REFUSED, nothing was changed'
}

/** First what a tired person needs, then the block. */
function summary(result: RollbackResult): string {
  const { target, from, to, failed, lastGood, outcome, dryRun } = result
  return [
    news(result),
    ...labelled('do', result.instructions),
    ...labelled('to do', result.remains),
    '',
    dryRun ? 'Deployment Rollback (dry run)' : 'Deployment Rollback',
    '===================',
    `Target: ${target}`,
    `Current: ${from?.version ?? 'nothing'}${failed ? ' (FAILED)' : ''}`,
    `Rollback to: ${to.version}${lastGood ? ' (last successful)' : ''}`,
    '',
    'Steps:',
    ...stepLines(result),
    '',
    `Result: ${result.title ?? titles[outcome]}`,
    ...(dryRun ? [] : [`Duration: ${duration(result.durationMs)}`]),
    '',
    `Next: ${result.next ?? nextLine(outcome)}`,
    ...freezeLine(result)
  ].join('\n')
}

/** What serves now, in one line. */
function news({ target, from, to, outcome, state, title, back }: RollbackResult): string {
  if (outcome === 'checked') return `${target}: ${state}`
  if (outcome !== 'succeeded') return `${target}: ${title ?? titles[outcome]}. ${state}`
  const was = from ? ` (was ${from.version})` : ''
  if (!back) return `${target} serves ${to.version} again${was}. ${state}`
  const { at, outage, watchedMs } = back
  const after = outage.ms === null ? '' : ` after ${outage.inferred ? 'about' : 'at least'} ${timeSpan(outage.ms)}`
  const watched = watchedMs > 0 ? `; watched ${timeSpan(watchedMs)}` : ''
  return `${target} serves ${to.version} again${was}. Back at ${at.slice(11, 19)} UTC${after}${watched}.`
}

/** Whoever deploys next may not know. */
const freezeLine = ({ outcome, target, from, to }: RollbackResult): string[] =>
  outcome === 'succeeded' && from && from.version !== to.version
    ? [
        `To keep ${from.version} from being deployed again: pop-deploy-rollback freeze --target ${shellWord(target)} --version ${shellWord(from.version)}`
      ]
    : []

export function stepLines({ steps, checks, dryRun, resumes }: RollbackResult): string[] {
  const before = steps.filter(({ phase }) => phase !== 'cleanup')
  const after = steps.filter(({ phase }) => phase === 'cleanup')
  const lines = [
    ...before.map(stepLine),
    ...(resumes ? [] : [`Health check... ${healthWord(dryRun, checks)}`]),
    ...after.map(stepLine)
  ]
  return lines.map((line, index) => `  [${index + 1}/${lines.length}] ${line}`)
}

const stepLine = ({ title, state, detail, phase }: StepOutcome): string => {
  const word = state === 'not run' && phase === 'cleanup' ? 'not done' : state
  return `${title}... ${word}${detail && state !== 'checked' ? ` (${detail})` : ''}`
}

const healthWord = (dryRun: boolean, checks: RollbackResult['checks']): string => {
  if (dryRun) return 'not tried in a dry run'
  if (checks.length === 0) return 'not run'
  return { healthy: 'passed', unhealthy: 'FAILED', inconclusive: 'unknown' }[verdictOf(checks)]
}

const nextLine = (outcome: Outcome): string =>
  ({
    succeeded: 'Investigate root cause, then /popkit-ops:deploy execute when fixed',
    undone: 'Assess again and choose another version, or deploy a fix',
    stuck: 'Do what remains manually, then assess again',
    manual: 'Follow the instructions, then verify, then record it: pop-deploy-rollback record --rollback ID',
    cancelled: 'Assess again when you are ready',
    unverified: 'Check whether it serves, then verify again',
    checked: 'Roll back with the same arguments without dry_run',
    refused: 'Assess again'
  })[outcome]

const dataOf = (result: RollbackResult): z.infer<typeof rollbackSchema> => ({
  rollback_id: result.rollbackId,
  target: result.target,
  outcome: result.outcome,
  dry_run: result.dryRun,
  from: result.from && { version: result.from.version, id: result.from.id },
  to: { version: result.to.version, id: result.to.id },
  steps: result.steps.map(({ id, title, state, durationMs }) => ({
    id,
    title,
    state,
    ...(durationMs !== undefined && { duration_ms: durationMs })
  })),
  checks: result.checks,
  duration_ms: result.durationMs,
  state: result.state,
  ...(result.remains.length > 0 && { remains: result.remains }),
  ...(result.instructions.length > 0 && { instructions: result.instructions })
})

function nextCalls({ outcome, target, rollbackId }: RollbackResult, request: Request): NextCall[] {
  const { version, plan_id, accept = [], rehearse, with_config } = request
  if (outcome === 'checked')
    return [
      {
        tool: 'execute_rollback',
        arguments: {
          target,
          version,
          plan_id,
          ...(accept.length > 0 && { accept }),
          ...(rehearse !== undefined && { rehearse }),
          ...(with_config && { with_config })
        },
        when: 'to carry it out, after a person said yes'
      }
    ]
  const again = { tool: 'assess_rollback', arguments: { target }, when: 'to see what serves and what else there is' }
  const byId = { rollback_id: rollbackId }
  const report = { tool: 'write_incident', arguments: byId, when: 'to write the incident report' }
  const verify = { tool: 'verify_rollback', arguments: byId, when: 'to check again' }
  if (outcome === 'succeeded' || outcome === 'unverified' || outcome === 'manual') return [verify, report]
  return outcome === 'cancelled' || outcome === 'refused' ? [again] : [again, report]
}
