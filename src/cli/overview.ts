import type { Frozen } from '../model/frozen.ts'
import { readDeployFile } from '../project/deploy-file.ts'
import { frozenLine, frozenOf } from '../project/frozen.ts'
import { projectPaths } from '../project/paths.ts'
import { answerOf } from '../render/answer.ts'
import { renderAssessment } from '../render/assessment.ts'
import { headline } from '../render/assessment-lines.ts'
import { type RenderedError, renderError } from '../render/error.ts'
import { assess } from '../rollback/assess/assess.ts'
import { markOf, releaseGroups } from '../rollback/group/same-release.ts'
import { discoverTargets, withSession } from '../rollback/open-session.ts'
import { explainAbort } from '../support/explain-abort.ts'
import { withLimit } from '../support/limit.ts'
import type { Command, CommandContext } from './run.ts'

/** The candidates of a target, best first. */
export const list: Command = async (context) => {
  const { next, data } = renderAssessment((await assessedAlone(context, context.flags.target)).assessment)
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
  const now = project.clock.now()
  const targets = await Promise.all(
    names.map(async (target) => ({
      ...(await statusOf(context, target)),
      frozen: frozenOf(file?.frozen ?? [], target, now)
    }))
  )
  const lines = targets.length > 0 ? targets.map(lineOf) : ['  no target in deploy.json, and none found in the project']
  const verdict = verdictOf(targets)
  // A failed target is the news; without one, the reason why a target did not answer.
  const error = verdict === 'inconclusive' ? targets.flatMap((each) => each.error ?? [])[0] : undefined
  const ok = verdict === 'healthy'
  const groups = releaseGroups(targets.flatMap(({ target, mark }) => (mark ? [{ target, mark }] : [])))
  const releases = groups.map((group) => group.map(({ target, mark: { version } }) => ({ target, version })))
  const summary = ['Status:', ...lines, ...releases.map(releaseLine)].join('\n')
  const shown = targets.map(({ mark: _, ...target }) => target)
  const data = { verdict, ...(error && { error }), targets: shown, ...(releases.length > 0 && { releases }) }
  return answerOf({ ok, summary, next: [], data }, project.mask)
}

const releaseLine = (release: readonly { target: string; version: string }[]): string =>
  `  Deployed as one release: ${release.map(({ target, version }) => `${target} ${version}`).join(', ')}`

/** The assessment of one target, without a look at the others of its release. */
const assessedAlone = ({ project, cancelled }: CommandContext, target: string | undefined) =>
  withSession(project, { target }, async (session) => {
    const assessment = await assess(session, { signal: withLimit(cancelled, 120_000) })
    const { current } = assessment
    return project.mask.shown({ assessment, mark: current && markOf(current, session.history) })
  })

type Status = Awaited<ReturnType<typeof statusOf>> & { frozen: Frozen[] }

async function statusOf(context: CommandContext, target: string) {
  try {
    const { assessment, mark } = await assessedAlone(context, target)
    const { current, recommended, interrupted } = renderAssessment(assessment).data
    return { target, line: headline(assessment), current, recommended, interrupted, mark }
  } catch (thrown) {
    const error: RenderedError = renderError(explainAbort(thrown, context.cancelled), context.project.mask).error
    return { target, error }
  }
}

const stateOf = ({ failed, health }: { failed: boolean; health: string }): string => (failed ? 'FAILED' : health)

function lineOf({ target, line, error, recommended, interrupted, frozen }: Status): string {
  const frozenLines = frozen.map((one) => `\n    ${frozenLine(one)}`).join('')
  if (error) return `  ${target}: unknown (${error.what}: ${error.why})${frozenLines}`
  const resume = interrupted ? `; INTERRUPTED rollback ${interrupted.rollback_id}` : ''
  const good = recommended ? `; last good: ${recommended.version}` : ''
  return `  ${line}${resume}${good}${frozenLines}`
}

function verdictOf(targets: readonly Status[]): 'healthy' | 'unhealthy' | 'inconclusive' {
  if (targets.some(({ current, interrupted }) => current?.failed || interrupted)) return 'unhealthy'
  return targets.every(({ current }) => current?.health === 'healthy') ? 'healthy' : 'inconclusive'
}
