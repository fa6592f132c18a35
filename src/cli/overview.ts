import type { Frozen } from '../model/frozen.ts'
import { readDeployFile } from '../project/deploy-file.ts'
import { frozenLine, frozenOf } from '../project/frozen.ts'
import { projectPaths } from '../project/paths.ts'
import { answerOf } from '../render/answer.ts'
import { renderAssessment } from '../render/assessment.ts'
import { type RenderedError, renderError } from '../render/error.ts'
import { discoverTargets } from '../rollback/open-session.ts'
import { explainAbort } from '../support/explain-abort.ts'
import { assessRollback } from '../tools/assess-rollback.ts'
import { type Command, type CommandContext, run } from './run.ts'

/** The candidates of a target, best first. */
export const list: Command = async (context) => {
  const { next, data } = renderAssessment(await run(context, assessRollback, { target: context.flags.target }))
  const { target, current, candidates, candidates_left_out } = data
  const lines = candidates.map(
    ({ version, good, for: evidence, against }) =>
      `  ${good ? '+' : ' '} ${version}  ${[...evidence, ...against].join('; ') || 'no evidence'}`
  )
  const summary = [
    `${target}: ${current ? `${current.version} (${stateOf(current)})` : 'nothing'} now`,
    ...(lines.length > 0 ? lines : ['  no earlier version']),
    ...(candidates_left_out ? [`  and ${candidates_left_out} more, ranked lower`] : [])
  ].join('\n')
  const shown = { target, current, candidates, ...(candidates_left_out && { candidates_left_out }) }
  return answerOf({ ok: true, summary, next, data: shown }, context.project.mask)
}

/** What serves on every enabled target, one line each. */
export const status: Command = async (context) => {
  const { project } = context
  const file = await readDeployFile(projectPaths(project.projectDir), project.env)
  const listed = [...(file?.targets.values() ?? [])].filter(({ enabled }) => enabled)
  const names = (listed.length > 0 ? listed : await discoverTargets(project)).map(({ name }) => name)
  const targets: Status[] = []
  const now = project.clock.now()
  for (const target of names)
    targets.push({ ...(await statusOf(context, target)), frozen: frozenOf(file?.frozen ?? [], target, now) })
  const lines = targets.length > 0 ? targets.map(lineOf) : ['  no target in deploy.json, and none found in the project']
  const verdict = verdictOf(targets)
  // A failed target is the news; without one, the reason why a target did not answer.
  const error = verdict === 'inconclusive' ? targets.flatMap((each) => each.error ?? [])[0] : undefined
  const ok = verdict === 'healthy'
  const summary = ['Status:', ...lines].join('\n')
  return answerOf({ ok, summary, next: [], data: { verdict, ...(error && { error }), targets } }, project.mask)
}

type Status = Awaited<ReturnType<typeof statusOf>> & { frozen: Frozen[] }

async function statusOf(context: CommandContext, target: string) {
  try {
    const { data } = renderAssessment(await run(context, assessRollback, { target }))
    const { current, recommended, interrupted } = data
    return { target, current, recommended, interrupted }
  } catch (thrown) {
    const error: RenderedError = renderError(explainAbort(thrown, context.cancelled), context.project.mask).error
    return { target, error }
  }
}

const stateOf = ({ failed, health }: { failed: boolean; health: string }): string => (failed ? 'FAILED' : health)

function lineOf({ target, error, current, recommended, interrupted, frozen }: Status): string {
  const frozenLines = frozen.map((one) => `\n    ${frozenLine(one)}`).join('')
  if (error) return `  ${target}: unknown (${error.what}: ${error.why})${frozenLines}`
  const resume = interrupted ? `, INTERRUPTED rollback ${interrupted.rollback_id}` : ''
  const good = recommended ? `, last good: ${recommended.version}` : ''
  return `  ${target}: ${current ? `${current.version} (${stateOf(current)})` : 'nothing (unknown)'}${resume}${good}${frozenLines}`
}

function verdictOf(targets: readonly Status[]): 'healthy' | 'unhealthy' | 'inconclusive' {
  if (targets.some(({ current, interrupted }) => current?.failed || interrupted)) return 'unhealthy'
  return targets.every(({ current }) => current?.health === 'healthy') ? 'healthy' : 'inconclusive'
}
