import { committedAutomatic } from '../project/committed-automatic.ts'
import { checkUnattended } from '../rollback/unattended.ts'
import { ConfigError } from '../support/errors.ts'
import { assessRollback } from '../tools/assess-rollback.ts'
import type { Answer } from '../tools/call-tool.ts'
import { resumptionQuestion } from '../tools/consent.ts'
import type { ToolCall } from '../tools/define-tool.ts'
import { executeRollbackTool } from '../tools/execute-rollback.ts'
import { renderError } from '../tools/render-error.ts'
import { writeIncidentTool } from '../tools/write-incident.ts'
import { type Command, type CommandContext, run } from './run.ts'
import { confirm } from './terminal.ts'

interface Shown {
  target: string
  current: { version: string; health: string; failed: boolean } | null
  blockers: { what: string; why: string }[]
  plan: { id: string; version: string } | null
  interrupted?: { finish: Way | null; undo: Way | null; close: Way | null }
  risks: { id: string; serious: boolean; title: string; detail: string }[]
}

interface Way {
  id: string
  version: string
  lines: string[]
}

/** Assesses, shows the plan, asks, and carries it out; unattended with --auto. */
export const rollback: Command = async (context) => {
  const { flags, say } = context
  const assessed = await run(context, assessRollback, {
    target: flags.target,
    version: flags.plan ? undefined : flags.to
  })
  if (assessed.error) return assessed
  const shown = assessed as unknown as Shown
  if (!flags.json) say(`${assessed.summary}\n`)
  const way = flags.plan && flags.to ? { id: flags.plan, version: flags.to } : await choose(context, shown)
  if (!way) return flags.auto ? nothingToDo(shown) : { ...assessed, ok: false }
  const accept = flags.accept ?? (flags.auto || flags['dry-run'] ? [] : await acceptEach(context, shown))
  const request = { target: shown.target, version: way.version, plan_id: way.id, accept, dry_run: flags['dry-run'] }
  const answer = await run(context, executeRollbackTool, request, consentOf(context, way.version))
  return flags.auto && answer.rollback_id ? reported(context, answer) : answer
}

/** The plan that was shown; for an interrupted rollback, the way out that the person at the terminal chooses. */
async function choose(
  { flags, terminal }: CommandContext,
  { plan, interrupted }: Shown
): Promise<{ id: string; version: string } | null> {
  if (!interrupted) return plan
  const { finish, undo, close } = interrupted
  const ways = Object.entries({ finish, undo, close }).filter(([, way]) => way !== null)
  if (flags.auto || ways.length === 1 || !terminal.interactive) return finish ?? close
  const answer = await terminal.ask(
    `What is to become of the interrupted rollback? [${ways.map(([word]) => word).join('/')}] `
  )
  return ways.find(([word]) => word === answer.toLowerCase())?.[1] ?? null
}

/** Serious risks are accepted one by one. */
async function acceptEach({ terminal, around }: CommandContext, { risks }: Shown): Promise<string[]> {
  const serious = risks.filter((risk) => risk.serious)
  for (const { title, detail } of serious) await confirm(terminal, around.env, `Accept this risk? ${title}: ${detail}`)
  return serious.map(({ id }) => id)
}

/** An unattended run without a plan says which conditions were missing, as one with a plan does. */
function nothingToDo({ target, current, blockers }: Shown): Answer {
  const healthy =
    current && !current.failed ? [`the current version ${current.version} has not failed (${current.health})`] : []
  const error = new ConfigError({
    what: `${target} was not rolled back`,
    why: [...healthy, ...blockers.map(({ what, why }) => `${what}: ${why}`)].join('; '),
    next: 'Nothing, when it serves; otherwise let a person assess it.',
    code: 'not_unattended'
  })
  return { ok: false, ...renderError(error) }
}

const consentOf =
  ({ flags, terminal, around }: CommandContext, version: string): ToolCall['consent'] =>
  async (assessment, way) => {
    if (flags.auto)
      return checkUnattended(
        assessment,
        await committedAutomatic(around.projectDir, assessment.target),
        '--auto was asked for'
      )
    const { target, current, interrupted } = assessment
    if (interrupted && way) return confirm(terminal, around.env, resumptionQuestion(target, interrupted, way))
    const from = current?.version ?? 'nothing'
    return confirm(terminal, around.env, `Roll back ${target} from ${from} to ${version} now?`)
  }

async function reported(context: CommandContext, answer: Answer): Promise<Answer> {
  const report = await run(context, writeIncidentTool, { rollback_id: answer.rollback_id })
  return { ...answer, incident: report.path, summary: `${answer.summary}\n${report.summary}` }
}
