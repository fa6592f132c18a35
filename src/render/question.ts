import type { Assessment } from '../rollback/assess/assessment.ts'
import type { ResumeOption } from '../rollback/journal/interrupted.ts'

/** The question that a host without a prompt of its own asks: what would change, each step, and each serious risk. */
export function question(assessment: Assessment, option?: ResumeOption): string {
  const steps = option?.lines ?? assessment.plan?.steps.map(({ title }) => title) ?? []
  const serious = option ? [] : assessment.risks.filter((risk) => risk.serious)
  return [
    shortQuestion(assessment, option),
    ...steps.map((line, index) => `${index + 1}. ${line}`),
    ...serious.map(({ title, detail }) => `Risk accepted: ${title}: ${detail}`)
  ].join('\n')
}

/** The question in one line, for a person who has seen the plan. */
export function shortQuestion({ target, current, chosen, interrupted }: Assessment, option?: ResumeOption): string {
  if (!interrupted || !option)
    return `Roll back ${target} from ${current?.version ?? 'nothing'} to ${chosen?.release.version ?? '?'}? This will revert the deployment.`
  const { rollbackId, from, to } = interrupted
  const rollback = `the interrupted rollback ${rollbackId} of ${target}`
  if (option.kind === 'finish') return `Finish ${rollback}, to ${to.version}?`
  if (option.kind === 'undo') return `Undo ${rollback}, back to ${from?.version ?? 'what was there before'}?`
  return `Close ${rollback}, and leave what is deployed as it is?`
}
