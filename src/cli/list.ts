import { answerOf } from '../render/answer.ts'
import { renderAssessment } from '../render/assessment.ts'
import { assessRollback } from '../tools/assess-rollback.ts'
import { type Command, run } from './run.ts'

/** The candidates of a target, best first. */
export const list: Command = async (context) => {
  const { next, data } = renderAssessment(await run(context, assessRollback, { target: context.flags.target }))
  const { target, current, candidates, candidates_left_out } = data
  const lines = candidates.map(
    ({ version, good, for: evidence, against }) =>
      `  ${good ? '+' : ' '} ${version}  ${[...evidence, ...against].join('; ') || 'no evidence'}`
  )
  const summary = [
    `${target}: ${current?.version ?? 'nothing'} serves`,
    ...(lines.length > 0 ? lines : ['  no earlier version']),
    ...(candidates_left_out ? [`  and ${candidates_left_out} more, ranked lower`] : [])
  ].join('\n')
  const shown = { target, current, candidates, ...(candidates_left_out && { candidates_left_out }) }
  return answerOf({ ok: true, summary, next, data: shown }, context.project.mask)
}
