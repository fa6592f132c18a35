import { committedAutomatic } from '../project/committed-automatic.ts'
import { readDeployFile } from '../project/deploy-file.ts'
import { projectPaths } from '../project/paths.ts'
import type { Answer } from '../render/answer.ts'
import { renderError } from '../render/error.ts'
import { withSession } from '../rollback/open-session.ts'
import { recordWatch } from '../rollback/watch/record-watch.ts'
import { type Look, type WatchEnd, watch as watchTarget } from '../rollback/watch/watch.ts'
import { InputError } from '../support/errors.ts'
import { explainAbort } from '../support/explain-abort.ts'
import type { NextCall } from '../support/next-call.ts'
import { parseDuration } from '../support/parse-duration.ts'
import { duration } from '../support/text.ts'
import { rollback } from './rollback.ts'
import type { Command, CommandContext } from './run.ts'

const longestMs = 6 * 3_600_000

/** Follows what was just deployed; records how it served; with --auto, rolls back what failed. */
export const watch: Command = async (context) => {
  const forMs = timeOf(context.flags.for)
  if (context.flags.target !== 'all') return watchOne(context, context.flags.target, forMs, false)
  const { projectDir, env } = context.project
  const file = await readDeployFile(projectPaths(projectDir), env)
  const names = [...(file?.targets.values() ?? [])].filter(({ enabled }) => enabled).map(({ name }) => name)
  if (names.length === 0) throw noTargets()
  return togetherOf(await Promise.all(names.map((name) => watchOne(context, name, forMs, names.length > 1))))
}

/** One target, from its first look to the record and the rollback. Never rejects for what the target or deploy.json say, beside others. */
async function watchOne(
  context: CommandContext,
  target: string | undefined,
  forMs: number,
  beside: boolean
): Promise<Answer> {
  const { project, cancelled, flags } = context
  const print = printer(context, beside)
  try {
    const { end, name, recorded } = await withSession(project, { target }, async (session) => {
      await print.begins(session.name, forMs)
      const file = projectPaths(project.projectDir).watchFile(session.name)
      const { look, continues } = print
      const request = { forMs, file, signal: cancelled, look, continues }
      const ended = await watchTarget(session, request).finally(print.ends)
      return { end: ended, name: session.name, recorded: await recordWatch(session, ended) }
    })
    const answer = answerFor(name, end, recorded)
    if (end.verdict !== 'failed' || !flags.auto) return project.mask.shown(answer)
    print.line(`${answer.summary}\n`)
    return project.mask.shown(await rolledBack(context, name, answer))
  } catch (error) {
    if (cancelled.aborted) return stopped(target)
    if (!beside) throw error
    const shown = renderError(explainAbort(error, cancelled), project.mask)
    return { ...shown, target, summary: `${target}: ${shown.summary}` }
  }
}

/** What `rollback --auto` does, and says, for the target. The deployment has failed, whatever becomes of it. */
async function rolledBack(context: CommandContext, target: string, failed: Answer): Promise<Answer> {
  const automatic = { ...context, flags: { target, auto: true, json: context.flags.json } }
  const answer: Answer = await rollback(automatic).catch((error: unknown) =>
    renderError(explainAbort(error, context.cancelled), context.project.mask)
  )
  const { verdict, since, reason, recorded } = failed
  return {
    ...answer,
    ok: false,
    summary: `${failed.summary}\n\n${answer.summary}`,
    target,
    ...{ watched: verdict, since, reason, recorded },
    ...(!answer.error && { rolled_back: answer.outcome === 'succeeded' })
  }
}

function answerFor(target: string, end: WatchEnd, recorded: boolean): Answer {
  const { release, watchedMs } = end
  const { version } = release
  const shared = { target, version, watched_ms: Math.round(watchedMs), recorded }
  if (end.verdict === 'well')
    return {
      ...shared,
      ok: true,
      verdict: 'healthy',
      summary: `${target}: ${version} served well for ${duration(watchedMs)}; ${recorded ? 'recorded as success' : 'it is recorded as success already'}.`,
      next: []
    }
  if (end.verdict === 'failed')
    return {
      ...shared,
      ok: false,
      verdict: 'unhealthy',
      since: end.since,
      reason: end.why,
      summary: `${target}: ${version} FAILED, seen since ${clock(end.since)}: ${end.why}. ${recorded ? 'Recorded as failed.' : 'It is recorded as failed already.'}`,
      next: [assessCall(target)]
    }
  return {
    ...shared,
    ok: false,
    verdict: 'inconclusive',
    reason: end.why,
    summary: `${target}: whether ${version} serves well is not known: ${end.why}. Nothing was recorded.`,
    next: [assessCall(target)]
  }
}

const clock = (at: string): string => `${at.slice(0, 16).replace('T', ' ')} UTC`

const assessCall = (target: string): NextCall => ({
  tool: 'assess_rollback',
  arguments: { target },
  when: 'to see what to go back to'
})

const stopped = (target: string | undefined): Answer => ({
  ok: false,
  verdict: 'inconclusive',
  summary: `${target ?? 'The target'}: the watch was stopped; nothing was recorded. Run the same command to go on with it.`,
  next: []
})

/** The worst of several: what failed, then what is not known. */
function togetherOf(answers: readonly Answer[]): Answer {
  const failed = answers.find(
    ({ ok, error, verdict, outcome }) => !ok && !error && (outcome ?? verdict) !== 'inconclusive'
  )
  const worst = failed ?? answers.find(({ ok }) => !ok)
  return {
    ok: worst === undefined,
    summary: answers.map(({ summary }) => summary).join('\n'),
    next: answers.flatMap(({ next }) => next),
    ...(worst?.error && { error: worst.error }),
    verdict: worst ? (worst.outcome ?? worst.verdict ?? 'unhealthy') : 'healthy',
    targets: answers.map(({ summary: _, next: __, ...rest }) => rest)
  }
}

const everyMs = 60_000

/** A live line on a terminal; elsewhere, and beside other targets, a line for each change and one a minute. */
function printer({ terminal, project, say, flags }: CommandContext, beside: boolean) {
  let shown = ''
  let shownAt = 0
  let open = ''
  const line = (text: string): void => {
    if (!flags.json || terminal.interactive) say(text)
  }
  return {
    line,
    begins: async (target: string, forMs: number): Promise<void> => {
      line(`Watching ${target} for ${duration(forMs)}.`)
      if (flags.auto) await warnIfNotAutomatic(project, target, line)
    },
    continues: (begunAt: string, watchedMs: number): void =>
      line(`Going on with the watch that began at ${clock(begunAt)}: ${duration(watchedMs)} are done.`),
    ends: (): void => {
      if (open) terminal.progress(open, true)
    },
    look({ target, version, watchedMs, forMs, state, line: says }: Look): void {
      const text = `${target} ${version}: ${duration(watchedMs)} of ${duration(forMs)}, ${state}: ${project.mask.line(says)}`
      const changed = state !== shown
      shown = state
      if (terminal.interactive && !beside) {
        terminal.progress(text, changed)
        open = changed ? '' : text
      } else if (changed || Date.now() - shownAt >= everyMs) {
        shownAt = Date.now()
        line(text)
      }
    }
  }
}

/** Said at the beginning: when it fails, it is too late to commit a permission. */
async function warnIfNotAutomatic(
  { projectDir, env }: CommandContext['project'],
  target: string,
  line: (text: string) => void
): Promise<void> {
  if (await committedAutomatic(projectDir, env, target)) return
  line(
    `--auto will not roll ${target} back: the committed deploy.json does not say "automatic": true for it, or its entry has changes.`
  )
}

function timeOf(written: string | undefined): number {
  const ms = parseDuration(written ?? '15m')
  if (ms !== null && ms >= 1000 && ms <= longestMs) return ms
  throw new InputError({
    what: 'Invalid command line',
    why: `--for takes a time from 1s to 6h, such as 90s or 15m, not "${written?.slice(0, 40)}"`,
    next: 'Run pop-deploy-rollback --help.',
    code: 'usage'
  })
}

const noTargets = (): InputError =>
  new InputError({
    what: 'There is nothing to watch',
    why: 'deploy.json has no enabled target',
    next: 'Name one with --target, or write deploy.json with pop-deploy-rollback init.',
    code: 'nothing_to_watch'
  })
