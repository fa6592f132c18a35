import type { Outcome } from '../model/outcome.ts'
import type { ExecuteRequest, RollbackResult } from '../rollback/run/execute.ts'
import { verdictOf } from '../rollback/run/prove.ts'
import type { StepOutcome } from '../rollback/run/step-runner.ts'
import { duration } from '../support/text.ts'
import type { NextCall } from '../tools/define-tool.ts'

const titles: Record<Outcome, string> = {
  succeeded: 'ROLLBACK SUCCESS',
  undone: 'ROLLBACK FAILED, the earlier state is restored',
  stuck: 'ROLLBACK STUCK, a person must act',
  manual: 'MANUAL STEP NEEDED',
  cancelled: 'CANCELLED, nothing that serves was touched',
  unverified: 'DONE BUT UNVERIFIED',
  checked: 'DRY RUN, every precondition holds',
  refused: 'REFUSED, nothing was changed'
}

/** The block that is shown as it is. */
export function rollbackSummary(target: string, result: RollbackResult): string {
  const { from, to, failed, lastGood, outcome, dryRun } = result
  return [
    dryRun ? 'Deployment Rollback (dry run)' : 'Deployment Rollback',
    '===================',
    `Target: ${target}`,
    `Current: ${from?.version ?? 'nothing'}${failed ? ' (FAILED)' : ''}`,
    `Rollback to: ${to.version}${lastGood ? ' (last successful)' : ''}`,
    '',
    'Steps:',
    ...stepLines(result),
    '',
    `Result: ${titles[outcome]}`,
    ...(dryRun ? [] : [`Duration: ${duration(result.durationMs)}`]),
    ...(outcome === 'succeeded' ? [] : [`State: ${result.state}`]),
    ...list('Do by hand', result.instructions),
    ...list('What remains', result.remains),
    '',
    `Next: ${nextLine(outcome)}`
  ].join('\n')
}

function stepLines({ steps, checks, dryRun }: RollbackResult): string[] {
  const before = steps.filter(({ phase }) => phase !== 'cleanup')
  const after = steps.filter(({ phase }) => phase === 'cleanup')
  const resumption = dryRun && steps.some(({ id }) => /^(finish|undo|close)-\d+$/.test(id))
  const lines = [
    ...before.map(stepLine),
    ...(resumption ? [] : [`Health check... ${healthWord(dryRun, checks)}`]),
    ...after.map(stepLine)
  ]
  return lines.map((line, index) => `  [${index + 1}/${lines.length}] ${line}`)
}

const stepLine = ({ title, state, detail, phase }: StepOutcome): string => {
  const word = state === 'not run' && phase === 'cleanup' ? 'not done' : state
  return `${title}... ${word}${detail && state !== 'checked' ? ` (${detail})` : ''}`
}

const healthWord = (dryRun: boolean, checks: RollbackResult['checks']): string => {
  if (dryRun) return 'checked afterwards'
  if (checks.length === 0) return 'not run'
  return { healthy: 'passed', unhealthy: 'FAILED', inconclusive: 'unknown' }[verdictOf(checks)]
}

const list = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  - ${line}`)]

const nextLine = (outcome: Outcome): string =>
  ({
    succeeded: 'Investigate root cause, then /popkit-ops:deploy execute when fixed',
    undone: 'Assess again and choose another version, or deploy a fix',
    stuck: 'Do what remains by hand, then assess again',
    manual:
      'Follow the instructions, then verify; what is verified is recorded by pop-deploy-rollback record --rollback ID',
    cancelled: 'Assess again when you are ready',
    unverified: 'Look for yourself, then verify again',
    checked: 'Roll back with the same arguments without dry_run',
    refused: 'Assess again'
  })[outcome]

/** The result as data for a model. */
export const rollbackData = (target: string, result: RollbackResult): Record<string, unknown> => ({
  rollbackId: result.rollbackId,
  target,
  outcome: result.outcome,
  dryRun: result.dryRun,
  from: result.from && { version: result.from.version, id: result.from.id },
  to: { version: result.to.version, id: result.to.id },
  steps: result.steps.map(({ id, title, state, durationMs }) => ({
    id,
    title,
    state,
    ...(durationMs !== undefined && { durationMs })
  })),
  checks: result.checks,
  durationMs: result.durationMs,
  state: result.state,
  ...(result.remains.length > 0 && { remains: result.remains }),
  ...(result.instructions.length > 0 && { instructions: result.instructions })
})

/** The sensible next calls. */
export function rollbackNext(
  target: string,
  request: ExecuteRequest & { rehearse?: boolean },
  { outcome, rollbackId }: RollbackResult
): NextCall[] {
  const again = { tool: 'assess_rollback', arguments: { target }, when: 'to see what serves and what else there is' }
  if (outcome === 'checked')
    return [
      {
        tool: 'execute_rollback',
        arguments: {
          target,
          version: request.version,
          plan_id: request.planId,
          ...(request.accept.length > 0 && { accept: request.accept }),
          ...(request.rehearse !== undefined && { rehearse: request.rehearse })
        },
        when: 'to carry it out, after a person said yes'
      }
    ]
  const report = {
    tool: 'write_incident',
    arguments: { rollback_id: rollbackId },
    when: 'to write the incident report'
  }
  const verify = { tool: 'verify_rollback', arguments: { rollback_id: rollbackId }, when: 'to look again' }
  if (outcome === 'succeeded' || outcome === 'unverified' || outcome === 'manual') return [verify, report]
  return outcome === 'cancelled' || outcome === 'refused' ? [again] : [again, report]
}
