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
import { acceptEach, askResume, type Choice, named, notResumed } from './approve.ts'
import { type CommandContext, refuseConsent, run } from './run.ts'
import { confirm, refuseUnderAgent, unforeseen } from './terminal.ts'

interface GroupChoice extends Choice {
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
  const choice = plan === undefined ? await choose(context, assessment) : named(plan, to, choices(assessment))
  if (!choice) {
    if (auto) throw nothingToDo(assessment)
    return { ...shown, ...renderError(notChosen(assessment), project.mask) }
  }
  const shownChoice = choices(assessment).find(({ id }) => id === choice.id)
  const asks = !auto && !flags['dry-run'] && shownChoice
  const accept = flags.accept ?? (asks ? await acceptEach(context, shownChoice.risks) : [])
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

const choices = ({ plan, interrupted, risks }: GroupAssessment): GroupChoice[] => [
  ...(plan ? [{ id: plan.id, version: plan.version, risks }] : []),
  ...(interrupted?.options ?? [])
]

/** The plan that was shown; for an interrupted rollback, the option that the person at the terminal chooses. */
async function choose({ flags, terminal }: CommandContext, assessment: GroupAssessment): Promise<GroupChoice | null> {
  const { interrupted } = assessment
  if (!interrupted) return choices(assessment)[0] ?? null
  const { options } = interrupted
  if (flags.auto || options.length === 1 || !terminal.interactive) return options[0] ?? null
  return askResume({ terminal }, options)
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
    ? notResumed(interrupted.options)
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
