import { committedAutomatic } from '../project/committed-automatic.ts'
import { renderError } from '../render/error.ts'
import type { Assessment } from '../rollback/assess/assess.ts'
import { checkUnattended } from '../rollback/guard/unattended.ts'
import type { ResumeOption } from '../rollback/journal/resume-options.ts'
import { ConfigError, InputError } from '../support/errors.ts'
import { assessRollback } from '../tools/assess-rollback.ts'
import type { Answer } from '../tools/call-tool.ts'
import { resumptionQuestion } from '../tools/consent.ts'
import type { ToolCall } from '../tools/define-tool.ts'
import { executeRollbackTool } from '../tools/execute-rollback.ts'
import { writeIncidentTool } from '../tools/write-incident.ts'
import { type Command, type CommandContext, run } from './run.ts'
import { confirm, refuseUnderAgent } from './terminal.ts'

interface Shown {
  target: string
  current: { version: string; health: string; failed: boolean } | null
  blockers: { what: string; why: string; next: string }[]
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
  const { flags, say, terminal } = context
  const assessed = await run(context, assessRollback, {
    target: flags.target,
    version: flags.to,
    rehearse: flags.rehearse
  })
  if (assessed.error) return assessed
  const shown = assessed as unknown as Shown
  if (!flags.json || terminal.interactive) say(`${assessed.summary}\n`)
  const way = flags.plan === undefined ? await choose(context, shown) : named(flags.plan, flags.to, shown)
  if (!way) return flags.auto ? nothingToDo(shown) : { ...assessed, ok: false, ...renderError(notChosen(shown)) }
  const asks = !flags.auto && !flags['dry-run'] && waysOf(shown).some(({ id }) => id === way.id)
  const accept = flags.accept ?? (asks ? await acceptEach(context, shown) : [])
  const request = {
    target: shown.target,
    version: way.version,
    plan_id: way.id,
    accept,
    dry_run: flags['dry-run'],
    rehearse: flags.rehearse
  }
  const answer = await run(context, executeRollbackTool, request, allowedBy(context, way))
  return flags.auto && answer.rollback_id ? reported(context, answer) : answer
}

type Chosen = Pick<Way, 'id' | 'version'>

const waysOf = ({ plan, interrupted }: Shown): Chosen[] =>
  [plan, interrupted?.finish, interrupted?.undo, interrupted?.close].flatMap((way) => way ?? [])

/** The plan that was named, whatever is shown now: where it is none of these, its execution is refused with what changed. */
function named(id: string, to: string | undefined, shown: Shown): Chosen | null {
  const ways = waysOf(shown)
  const version = to ?? (ways.find((way) => way.id === id) ?? ways[0])?.version
  return version === undefined ? null : { id, version }
}

/** The plan that was shown; for an interrupted rollback, the way out that the person at the terminal chooses. */
async function choose({ flags, terminal }: CommandContext, { plan, interrupted }: Shown): Promise<Chosen | null> {
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
async function acceptEach({ terminal, project }: CommandContext, { risks }: Shown): Promise<string[]> {
  const serious = risks.filter((risk) => risk.serious)
  for (const { title, detail } of serious) await confirm(terminal, project.env, `Accept this risk? ${title}: ${detail}`)
  return serious.map(({ id }) => id)
}

/** Why there is no plan to carry out. */
const notChosen = ({ target, blockers, interrupted }: Shown): InputError =>
  interrupted
    ? new InputError({
        what: 'The interrupted rollback was left as it is',
        why: 'the answer was neither finish nor undo',
        next: 'Run it again and answer finish or undo.',
        code: 'declined'
      })
    : new InputError({
        what: `${target} cannot be rolled back now`,
        why: blockers.map(({ what, why }) => `${what}: ${why}`).join('; '),
        next: blockers.map(({ next }) => next).join(' '),
        code: 'no_plan'
      })

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

const allowedBy = (
  { flags, terminal, project }: CommandContext,
  { version }: Chosen
): Pick<ToolCall, 'consent' | 'unattended'> =>
  flags.auto
    ? {
        consent: async () => undefined,
        unattended: async (assessment) => {
          refuseUnderAgent(project.env)
          const automatic = await committedAutomatic(project.projectDir, project.env, assessment.target)
          checkUnattended(assessment, automatic, '--auto was asked for')
        }
      }
    : { consent: (assessment, way) => confirm(terminal, project.env, question(assessment, way, version)) }

function question(
  { target, current, interrupted }: Assessment,
  way: ResumeOption | undefined,
  version: string
): string {
  if (interrupted && way) return resumptionQuestion(target, interrupted, way)
  return `Roll back ${target} from ${current?.version ?? 'nothing'} to ${version} now?`
}

async function reported(context: CommandContext, answer: Answer): Promise<Answer> {
  const report = await run(context, writeIncidentTool, { rollback_id: answer.rollback_id })
  return { ...answer, incident: report.path, summary: `${answer.summary}\n${report.summary}` }
}
