import { z } from 'zod'
import type { Diagnosis, Evidence, TimelineEvent } from '../../../model/diagnosis.ts'
import { parseOutsideJson } from '../../../support/nesting.ts'
import { quote, quoteLine, quoteTail } from '../../../support/quote.ts'
import type { DockerContext } from '../context.ts'
import { linesOf } from '../engine/lines.ts'
import { logEvidence } from '../objects/logs.ts'
import { baseName } from '../objects/names.ts'
import type { Container } from '../objects/schemas.ts'
import { instant } from './observe/current-health.ts'
import { findWorkload } from './observe/workload.ts'

const eventSchema = z.looseObject({
  Action: z.string(),
  time: z.number(),
  timeNano: z.number().optional(),
  Actor: z.looseObject({ Attributes: z.record(z.string(), z.string()).optional() }).optional()
})

/** Exit codes that have a meaning of their own (docs.docker.com, "Exit status"; signals are 128 plus their number). */
const exitMeanings: Record<number, string> = {
  125: 'the engine could not run it',
  126: 'the command cannot be executed',
  127: 'the command was not found',
  134: 'aborted (SIGABRT)',
  137: 'killed (SIGKILL)',
  139: 'segmentation fault (SIGSEGV)',
  143: 'terminated (SIGTERM)'
}

/** Why the containers fail, as far as the engine knows. */
export async function diagnose(docker: DockerContext, signal: AbortSignal): Promise<Diagnosis> {
  const { containers } = await findWorkload(docker, signal)
  const logs = await Promise.all(containers.map((container) => logEvidence(docker, container, signal)))
  for (const container of containers) docker.logged.add(container.Id)
  const engineEvents = await Promise.all(containers.map((container) => eventsOf(docker, container, signal)))
  const events = [...containers.flatMap((container) => stateEvents(docker, container)), ...engineEvents.flat()].sort(
    (a, b) => (a.at < b.at ? -1 : 1)
  )
  return {
    findings: containers.flatMap((container, index) =>
      findingsOf(docker, container, lastExit(engineEvents[index] ?? []))
    ),
    events,
    evidence: [...logs, ...containers.flatMap((container) => healthEvidence(docker, container))]
  }
}

function findingsOf({ mask }: DockerContext, container: Container, exitBefore: number | null): string[] {
  const { State: state, RestartCount: restarts = 0 } = container
  const name = baseName(container.Name)
  const found: string[] = []
  // While it runs again, only the engine's events remember how it ended.
  const code = (state.Running && !state.Restarting ? exitBefore : null) ?? state.ExitCode ?? 0
  const meaning = exitMeanings[code]
  if (state.OOMKilled) found.push(`${name} was killed for lack of memory (limit ${limitOf(container)})`)
  if (!state.Running || state.Restarting || restarts > 0)
    if (state.Status === 'created') found.push(`${name} was created and never started`)
    else if (code !== 0 || !state.Running)
      found.push(`${name} ended with exit code ${code}${meaning ? `: ${meaning}` : ''}`)
  if (state.Error) found.push(`${name}: the engine says: ${quote(mask, state.Error, 300)}`)
  if (restarts > 0) found.push(`${name} was restarted ${restarts} times by its restart policy`)
  const last = state.Health?.Log?.at(-1)
  if (state.Health?.Status === 'unhealthy' && state.Health.FailingStreak)
    found.push(
      `${name} fails its health check ${state.Health.FailingStreak} times in a row${last ? `: exit code ${last.ExitCode}, its output: ${quote(mask, last.Output ?? '')}` : ''}`
    )
  return found
}

/** The exit code that the last end of a container left among its events. */
const lastExit = (events: readonly TimelineEvent[]): number | null => {
  const codes = events.flatMap(({ text }) => /\(exit code (\d+)\)/.exec(text)?.[1] ?? [])
  const last = codes.at(-1)
  return last === undefined ? null : Number(last)
}

const limitOf = (container: Container): string => {
  const bytes = Number(container.HostConfig.Memory ?? 0)
  return bytes > 0 ? `${Math.round(bytes / 1048576)} MiB` : 'none of its own'
}

function stateEvents({ mask }: DockerContext, container: Container): TimelineEvent[] {
  const name = baseName(container.Name)
  const source = `docker inspect ${container.Name}`
  const { State: state } = container
  const checks = (state.Health?.Log ?? []).filter(({ ExitCode }) => ExitCode !== 0)
  const marks: [string | undefined, string][] = [
    [container.Created, `${name} was created from ${container.Config.Image}`],
    [state.StartedAt, `${name} started${container.RestartCount ? ' (last restart)' : ''}`],
    [state.Running ? undefined : state.FinishedAt, `${name} ended with exit code ${state.ExitCode}`],
    [checks[0]?.End, `health check of ${name} failed: ${quote(mask, checks[0]?.Output ?? '', 120)}`]
  ]
  return marks.flatMap(([time, text]) => {
    const at = instant(time)
    return at ? [{ at, text, source }] : []
  })
}

function healthEvidence({ mask }: DockerContext, container: Container): Evidence[] {
  const log = container.State.Health?.Log ?? []
  if (log.length === 0) return []
  const lines = log.map(({ End, ExitCode, Output }) => `${End} exit ${ExitCode}: ${quoteLine(mask, Output ?? '', 300)}`)
  return [
    {
      title: `Health log of ${baseName(container.Name)}`,
      source: `docker inspect ${container.Name}`,
      text: quoteTail(mask, lines.join('\n'), 4000)
    }
  ]
}

const tellingEvents = ['die', 'oom', 'restart', 'kill', 'health_status: unhealthy', 'health_status: healthy']

/** What the engine still remembers of a container since it was created; it keeps the last few hundred events of all. */
async function eventsOf(docker: DockerContext, container: Container, signal: AbortSignal): Promise<TimelineEvent[]> {
  const since = Math.floor(Date.parse(container.Created) / 1000)
  const stream = await docker.engine.events(
    {
      container: container.Id,
      events: ['die', 'oom', 'restart', 'health_status'],
      between: { since, until: Math.floor(docker.clock.now().getTime() / 1000) }
    },
    signal
  )
  let last: z.infer<typeof eventSchema>[] = []
  for await (const line of linesOf(stream, docker.engine.address)) {
    const parsed = eventSchema.safeParse(parseOutsideJson(line || '{}'))
    if (parsed.success && tellingEvents.includes(parsed.data.Action)) last = [...last, parsed.data].slice(-10)
  }
  return last.map(({ Action, time, Actor }) => ({
    at: new Date(time * 1000).toISOString(),
    text: `${baseName(container.Name)}: ${Action}${Actor?.Attributes?.exitCode ? ` (exit code ${Actor.Attributes.exitCode})` : ''}`,
    source: 'docker events'
  }))
}
