import { committedAutomatic } from '../project/committed-automatic.ts'
import { freezeEnd, frozenLine } from '../project/frozen.ts'
import { type Answer, answerOf } from '../render/answer.ts'
import { renderAssessment } from '../render/assessment.ts'
import { renderError } from '../render/error.ts'
import { renderIncident } from '../render/incident.ts'
import { shortQuestion } from '../render/question.ts'
import { renderRollback } from '../render/rollback.ts'
import type { Assessment } from '../rollback/assess/assessment.ts'
import { isGroupAssessment } from '../rollback/group/group-assessment.ts'
import { isGroupResult } from '../rollback/group/group-result.ts'
import { checkUnattended } from '../rollback/guard/refusals.ts'
import { resumeOption } from '../rollback/journal/interrupted.ts'
import type { RollbackResult } from '../rollback/run/result.ts'
import { ConfigError, InputError } from '../support/errors.ts'
import { assessRollback } from '../tools/assess-rollback.ts'
import type { ToolCall } from '../tools/define-tool.ts'
import { executeRollbackTool } from '../tools/execute-rollback.ts'
import { writeIncidentTool } from '../tools/write-incident.ts'
import { acceptEach, askResume, type Choice, named, notResumed } from './approve.ts'
import { freezeVersion } from './freeze.ts'
import { pickVersion } from './pick-version.ts'
import { rollbackGroup } from './rollback-group.ts'
import { type Command, type CommandContext, refuseConsent, run } from './run.ts'
import { confirm, refuseUnderAgent, unforeseen } from './terminal.ts'

/** Assesses, shows the plan, asks, and carries it out; unattended with --auto. */
export const rollback: Command = async (context) => {
  const { flags, say, terminal, project } = context
  const { target: asked, to, rehearse, auto, 'with-config': withConfig } = flags
  if (auto && withConfig) throw neverUnattended()
  // A wrong one is refused before anything is changed.
  freezeEnd(flags.until, context.project.clock.now())
  const wanted = { rehearse, with_config: withConfig }
  const assessment = await run(context, assessRollback, { target: asked, version: to, ...wanted })
  if (isGroupAssessment(assessment) && flags.freeze) throw freezeAlone(assessment.names)
  if (isGroupAssessment(assessment))
    return rollbackGroup(context, assessment, (id, answer) => withReport(context, id, answer))
  const shown = answerOf(renderAssessment(assessment, { rehearse, verbose: flags.verbose }), project.mask)
  if (!flags.json || terminal.interactive) say(`${shown.summary}\n`)
  const picked = await pickVersion(context, assessment)
  if (picked === null) throw declined()
  if (picked !== undefined) return rollback({ ...context, flags: { ...flags, to: picked } })
  const choice =
    flags.plan === undefined ? await choose(context, assessment) : named(flags.plan, to, choices(assessment))
  if (!choice) {
    if (auto) throw nothingToDo(assessment)
    return { ...shown, ...renderError(notChosen(assessment), project.mask) }
  }
  const asks = !auto && !flags['dry-run'] && choices(assessment).some(({ id }) => id === choice.id)
  const accept = flags.accept ?? (asks ? await acceptEach(context, assessment.risks) : [])
  const { target } = assessment
  const request = { target, version: choice.version, plan_id: choice.id, accept, dry_run: flags['dry-run'], ...wanted }
  const result = await run(context, executeRollbackTool, request, {
    ...confirmation(context),
    group: { consent: refuseConsent }
  })
  if (isGroupResult(result)) throw new Error('one target was rolled back as several')
  const answer = await withFreeze(context, result, answerOf(renderRollback(result, request), project.mask))
  return auto && result.rollbackId ? withReport(context, result.rollbackId, answer) : answer
}

const neverUnattended = (): InputError =>
  new InputError({
    what: '--with-config does not go with --auto',
    why: 'a person must read what of an earlier configuration comes back',
    state: 'Nothing was changed.',
    next: 'Omit one of them.',
    code: 'usage'
  })

const declined = (): InputError =>
  new InputError({
    what: 'Not rolled back',
    why: 'no version was chosen',
    state: 'Nothing was changed.',
    next: 'Run it again and choose a version, or name one with --to.',
    code: 'declined'
  })

const choices = ({ plan, interrupted }: Assessment): Choice[] => [
  ...(plan ? [{ id: plan.id, version: plan.to.version }] : []),
  ...(interrupted?.options ?? [])
]

/** The plan that was shown; for an interrupted rollback, the option that the person at the terminal chooses. */
async function choose({ flags, terminal }: CommandContext, assessment: Assessment): Promise<Choice | null> {
  const { interrupted } = assessment
  if (!interrupted) return choices(assessment)[0] ?? null
  const { options } = interrupted
  if (flags.auto || options.length === 1 || !terminal.interactive)
    return resumeOption(interrupted, 'finish') ?? resumeOption(interrupted, 'close')
  return askResume({ terminal }, options)
}

/** Why there is no plan to carry out. */
const notChosen = ({ target, blockers, interrupted }: Assessment): InputError =>
  interrupted
    ? notResumed(interrupted.options)
    : new InputError({
        what: `${target} cannot be rolled back now`,
        why: blockers.map(({ what, why }) => `${what}: ${why}`).join('; '),
        next: blockers.map(({ next }) => next).join(' '),
        code: 'no_plan'
      })

/** An unattended run without a plan names the conditions that are not met, as one with a plan does. */
function nothingToDo({ target, current, health, failed, blockers }: Assessment): ConfigError {
  const healthy = current && !failed ? [`the current version ${current.version} has not failed (${health.state})`] : []
  return new ConfigError({
    what: `${target} was not rolled back`,
    why: [...healthy, ...blockers.map(({ what, why }) => `${what}: ${why}`)].join('; '),
    next: 'If it does not serve, run pop-deploy-rollback assess and decide.',
    code: 'not_unattended'
  })
}

const confirmation = ({ flags, terminal, project }: CommandContext): Pick<ToolCall, 'consent' | 'unattended'> =>
  flags.auto
    ? {
        consent: async () => undefined,
        unattended: async (assessment) => {
          refuseUnderAgent(project.env)
          const automatic = await committedAutomatic(project.projectDir, project.env, assessment.target)
          checkUnattended(assessment, automatic, '--auto was given')
        }
      }
    : {
        consent: (assessment, option) =>
          confirm(terminal, project, shortQuestion(project.mask.shown(assessment), option), unforeseen())
      }

const freezeAlone = (names: string): InputError =>
  new InputError({
    what: '--freeze is for one target',
    why: `${names} would go back together, each from a version of its own`,
    next: 'Roll back without it, then freeze each version: pop-deploy-rollback freeze --target T --version V.',
    code: 'freeze_alone'
  })

/** Freezes the version that was left, where the person asked for it and the rollback took effect. */
async function withFreeze({ flags, project }: CommandContext, result: RollbackResult, answer: Answer): Promise<Answer> {
  const { from, target, outcome } = result
  if (!flags.freeze || !from || !isLeft(result)) return answer
  if (outcome !== 'succeeded' && outcome !== 'unverified')
    return { ...answer, summary: `${answer.summary}\nNot frozen: ${from.version} was not rolled back from.` }
  const { until, reason } = flags
  try {
    const frozen = await freezeVersion(project, { target, version: from.version, until, reason })
    return { ...answer, summary: `${answer.summary}\nFrozen: ${frozenLine(frozen)}`, frozen }
  } catch (error) {
    const { summary } = renderError(error, project.mask)
    return { ...answer, summary: `${answer.summary}\nNot frozen: ${summary}` }
  }
}

/** Not where only the configuration went back. */
const isLeft = ({ from, to, dryRun }: RollbackResult): boolean => !dryRun && from?.version !== to.version

async function withReport(context: CommandContext, rollbackId: string, answer: Answer): Promise<Answer> {
  const { mask } = context.project
  const report = await run(context, writeIncidentTool, { rollback_id: rollbackId }).then(
    (written) => answerOf(renderIncident(written), mask),
    (error: unknown) => renderError(error, mask)
  )
  return {
    ...answer,
    summary: `${answer.summary}\n${report.summary}`,
    ...('path' in report && { incident: report.path })
  }
}
