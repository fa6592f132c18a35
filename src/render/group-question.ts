import type { GroupAssessment } from '../rollback/group/group-assessment.ts'
import type { GroupResumeOption } from '../rollback/group/interrupted-group.ts'

/** The one question about several targets: a line for each, and each serious risk. */
export function groupQuestion(assessment: GroupAssessment, option?: GroupResumeOption): string {
  const serious = (option?.risks ?? assessment.risks).filter((risk) => risk.serious)
  return [
    shortGroupQuestion(assessment, option),
    ...targetLines(assessment, option).map((line, index) => `${index + 1}. ${line}`),
    ...serious.map(({ title, detail }) => `Risk accepted: ${title}: ${detail}`)
  ].join('\n')
}

/** The question in one line, for a person who has seen the plan. */
export function shortGroupQuestion({ plan, interrupted }: GroupAssessment, option?: GroupResumeOption): string {
  if (interrupted && option) {
    const rollback = `the interrupted rollback ${interrupted.groupId} of ${option.actions.map(({ target }) => target).join(', ')}`
    if (option.kind === 'finish') return `Finish ${rollback}?`
    return option.kind === 'undo' ? `Undo ${rollback}?` : `Close ${rollback}, and leave what is deployed as it is?`
  }
  const targets = (plan?.members ?? []).map(({ target, plan: own }) => `${target} to ${own.to.version}`)
  return `Roll back ${targets.join(', ')}? This will revert the deployment.`
}

/** One line for each target, in the order in which they go back. */
function targetLines({ plan }: GroupAssessment, option?: GroupResumeOption): string[] {
  if (option) return option.actions.map(({ line }) => line)
  return (plan?.members ?? []).map(({ target, from, plan: own }) => {
    const manual = own.steps.some((step) => step.manual) ? 'MANUAL, a person must do it: ' : ''
    return `${target}: ${from?.version ?? 'nothing'} to ${own.to.version} (${manual}${own.steps.map(({ title }) => title).join('; ')})`
  })
}
