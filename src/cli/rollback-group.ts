import type { Risk } from '../model/observation.ts'
import { committedAutomatic } from '../project/committed-automatic.ts'
import { type Answer, answerOf } from '../render/answer.ts'
import { renderError } from '../render/error.ts'
import { renderGroupAssessment } from '../render/group-assessment.ts'
import { shortGroupQuestion } from '../render/group-question.ts'
import { renderGroupRollback } from '../render/group-rollback.ts'
import type { GroupAssessment } from '../rollback/group/group-assessment.ts'
import { checkGroupUnattended } from '../rollback/group/group-refusals.ts'
import { type GroupResult, isGroupResult } from '../rollback/group/group-result.ts'
import type { GroupHooks } from '../rollback/group/member-run.ts'
import { ConfigError, InputError } from '../support/errors.ts'
import { executeRollbackTool } from '../tools/execute-rollback.ts'
import { type CommandContext, refuseConsent, run } from './run.ts'
import { confirm, refuseUnderAgent, unforeseen } from './terminal.ts'

/** A plan or a resume option, by its id. */
interface Choice {
  id: string
  version: string
  risks: readonly Risk[]
}

/** What `rollback` does with several targets: shows the plan, asks once, and carries it out. */
export async function rollbackGroup(
  context: CommandContext,
  assessment: GroupAssessment,
  reportOf: (rollbackId: string, answer: Answer) => Promise<Answer>
): Promise<Answer> {
  const { flags, say, terminal, project } = context
  const { rehearse, auto, plan, to } = flags
  const shown = answerOf(renderGroupAssessment(assessment, { rehearse }), project.mask)
  if (!flags.json || terminal.interactive) say(`${shown.summary}\n`)
  const choice = plan === undefined ? await choose(context, assessment) : named(plan, to, assessment)
  if (!choice) {
    if (auto) throw nothingToDo(assessment)
    return { ...shown, ...renderError(notChosen(assessment), project.mask) }
  }
  const isShown = choices(assessment).some(({ id }) => id === choice.id)
  const asks = !auto && !flags['dry-run'] && isShown
  const accept = flags.accept ?? (asks ? await acceptEach(context, choice) : [])
  const request = {
    target: assessment.names,
    version: choice.version,
    plan_id: choice.id,
    accept,
    dry_run: flags['dry-run'],
    rehearse
  }
  const allowed = { consent: refuseConsent, group: confirmation(context) }
  const result = await run(context, executeRollbackTool, request, allowed)
  const ended = onlyGroup(result)
  const answer = answerOf(renderGroupRollback(ended, request), project.mask)
  return auto && ended.groupId ? reportOf(ended.groupId, answer) : answer
}

function onlyGroup(result: Parameters<typeof isGroupResult>[0]): GroupResult {
  if (isGroupResult(result)) return result
  throw new Error('several targets were rolled back as one target')
}

const choices = ({ plan, interrupted, risks }: GroupAssessment): Choice[] => [
  ...(plan ? [{ id: plan.id, version: plan.version, risks }] : []),
  ...(interrupted?.options ?? [])
]

/** The plan with this id, whatever is shown now: if it is out of date, the execution refuses it and says what changed. */
function named(id: string, to: string | undefined, assessment: GroupAssessment): Choice | null {
  const all = choices(assessment)
  const version = to ?? (all.find((choice) => choice.id === id) ?? all[0])?.version
  return version === undefined ? null : { id, version, risks: [] }
}

/** The plan that was shown; for an interrupted rollback, the option that the person at the terminal chooses. */
async function choose({ flags, terminal }: CommandContext, assessment: GroupAssessment): Promise<Choice | null> {
  const { interrupted } = assessment
  if (!interrupted) return choices(assessment)[0] ?? null
  const { options } = interrupted
  if (flags.auto || options.length === 1 || !terminal.interactive) return options[0] ?? null
  const words = options.map(({ kind }) => kind).join('/')
  const answer = await terminal.ask(`Resume the interrupted rollback how? [${words}] `)
  return options.find(({ kind }) => kind === answer.toLowerCase()) ?? null
}

/** Serious risks are accepted one by one. */
async function acceptEach({ terminal, project }: CommandContext, { risks }: Choice): Promise<string[]> {
  const serious = risks.filter((risk) => risk.serious)
  for (const { title, detail } of serious) await confirm(terminal, project, `Accept this risk? ${title}: ${detail}`)
  return serious.map(({ id }) => id)
}

const confirmation = ({ flags, terminal, project }: CommandContext): Pick<GroupHooks, 'consent' | 'unattended'> =>
  flags.auto
    ? {
        consent: async () => undefined,
        unattended: async (assessment) => {
          refuseUnderAgent(project.env)
          const isAutomatic = (target: string) => committedAutomatic(project.projectDir, project.env, target)
          await checkGroupUnattended(assessment, isAutomatic, '--auto was given')
        }
      }
    : {
        consent: (assessment, option) =>
          confirm(terminal, project, shortGroupQuestion(project.mask.shown(assessment), option), unforeseen())
      }

/** Why there is no plan to carry out. */
const notChosen = ({ names, blockers, interrupted }: GroupAssessment): InputError =>
  interrupted
    ? new InputError({
        what: 'The interrupted rollback was not resumed',
        why: `the answer was not one of ${interrupted.options.map(({ kind }) => kind).join(', ')}`,
        next: 'Run it again and answer with one of these words.',
        code: 'declined'
      })
    : new InputError({
        what: `${names} cannot be rolled back as one now`,
        why: blockers.map(({ what, why }) => `${what}: ${why}`).join('; '),
        next: blockers.map(({ next }) => next).join(' '),
        code: 'no_plan'
      })

const nothingToDo = ({ names, blockers }: GroupAssessment): ConfigError =>
  new ConfigError({
    what: `${names} were not rolled back`,
    why: blockers.map(({ what, why }) => `${what}: ${why}`).join('; '),
    next: 'If they do not serve, run pop-deploy-rollback assess and decide.',
    code: 'not_unattended'
  })
