import type { Check, CheckReport } from '../../../../model/check.ts'
import type { JsonObject } from '../../../../model/json.ts'
import type { Release } from '../../../../model/release.ts'
import { messageOf } from '../../../../support/errors.ts'
import { oneLine } from '../../../../support/text.ts'
import { untilGood } from '../../../../support/until-good.ts'
import type { CheckOptions } from '../../../target.ts'
import type { DockerContext } from '../../context.ts'
import { throughRestarts } from '../../engine/restarts.ts'
import { baseName } from '../../objects/names.ts'
import { shortId } from '../../objects/reference.ts'
import type { Container } from '../../objects/schemas.ts'
import { isDone } from '../observe/left-alone.ts'
import { releaseDetailsSchema } from '../observe/releases.ts'
import { findWorkload, type Workload } from '../observe/workload.ts'
import { probeCheck } from './probe.ts'
import { proxyChecks } from './proxies.ts'
import { askPort, type PublishedPort, publishedPorts, viewpointOn } from './published-ports.ts'
import { besideBefore } from './silent-ports.ts'

/** Looks at every container of the target: the right image, healthy, not restarted, reachable where it is published. */
export async function check(docker: DockerContext, release: Release, look: CheckOptions): Promise<CheckReport> {
  try {
    return await throughRestarts(docker, look, () => lookAtAll(docker, release, look))
  } catch (error) {
    look.signal.throwIfAborted()
    const detail = oneLine(messageOf(error), 300)
    return {
      checks: [{ id: 'engine', title: 'The engine answers', status: 'unknown', detail }],
      observed: look.baseline ?? {}
    }
  }
}

async function lookAtAll(docker: DockerContext, release: Release, look: CheckOptions): Promise<CheckReport> {
  const workload = await findWorkload(docker, look.signal)
  const { missing, isJob, all } = workload
  const containers = [...workload.containers, ...sinceStopped(workload, look.baseline)]
  if (containers.length === 0) return { checks: [nothingThere], observed: {} }
  const { probe } = docker.config
  const [identities, outside, answers] = await Promise.all([
    identitiesFor(docker, release, look.signal),
    probe
      ? probeCheck(docker, probe, look.signal).then((one) => [one])
      : proxyChecks(docker, containers, all, look.signal),
    portAnswers(docker, containers, look.signal)
  ])
  const passes = Boolean(probe) && outside.some(({ status }) => status === 'pass')
  const ports = portChecks(answers, { passes, isProbed: Boolean(probe) })
  return {
    checks: [
      ...containers.flatMap((container) => [
        ...looksAt(container, identities, look, isJob(container) && isDone(container)),
        ...ports.filter(({ container: { Id } }) => Id === container.Id).map(({ check }) => check)
      ]),
      ...(missing?.services ?? []).map(withoutContainer),
      ...outside
    ],
    observed: { containers: Object.fromEntries(containers.map(observation)) }
  }
}

/** What served when the soak began and is stopped now counts, although a stopped container is left alone otherwise. */
function sinceStopped({ retired, aside }: Workload, baseline: JsonObject | undefined): Container[] {
  const before = baselineOf(baseline)
  return [...retired, ...aside].filter(({ Name }) => baseName(Name) in before)
}

const baselineOf = (baseline: JsonObject | undefined): Record<string, JsonObject> =>
  (baseline?.containers as Record<string, JsonObject> | undefined) ?? {}

const nothingThere: Check = {
  id: 'identity',
  title: 'The planned image runs',
  status: 'fail',
  detail: 'the target has no container'
}

const withoutContainer = (service: string): Check => ({
  id: `missing:${service}`,
  title: `${service} has a container`,
  status: 'fail',
  detail: 'it has none'
})

const observation = (container: Container): [string, JsonObject] => [
  baseName(container.Name),
  { id: container.Id, started_at: container.State.StartedAt ?? '', restarts: container.RestartCount ?? 0 }
]

async function identitiesFor(docker: DockerContext, release: Release, signal: AbortSignal): Promise<Set<string>> {
  const details = releaseDetailsSchema.partial().safeParse(release.details ?? {})
  const known = details.success ? [release.id, ...(details.data.identities ?? [])] : [release.id]
  const reference = (details.success && details.data.reference) || release.id
  const image = await docker.engine.images.inspect(reference, signal)
  return new Set(image ? [...known, image.Id] : known)
}

function looksAt(
  container: Container,
  identities: ReadonlySet<string>,
  look: CheckOptions,
  doneWell: boolean
): Check[] {
  const name = baseName(container.Name)
  return [
    identityCheck(container, name, identities),
    doneWell ? jobCheck(name) : healthCheck(container, name),
    restartCheck(container, name, look.baseline)
  ]
}

interface PortAnswer {
  container: Container
  port: PublishedPort
  answer: Pick<Check, 'status' | 'detail'>
}

async function portAnswers(
  docker: DockerContext,
  containers: readonly Container[],
  signal: AbortSignal
): Promise<PortAnswer[]> {
  const published = containers.flatMap((container) => publishedPorts(container).map((port) => ({ container, port })))
  if (published.length === 0) return []
  const view = await viewpointOn(docker.engine, signal)
  const answers = published.map(async ({ container, port }) => {
    const ask = () => askPort(port, view, signal)
    return { container, port, answer: await untilGood(docker.clock, signal, ask, ({ status }) => status !== 'fail') }
  })
  return Promise.all(answers)
}

/** A probe speaks for ports that cannot be asked from here. */
function portChecks(
  answers: readonly PortAnswer[],
  probe: { passes: boolean; isProbed: boolean }
): { container: Container; check: Check }[] {
  const checks = answers.map(({ container, port, answer }) => {
    const name = baseName(container.Name)
    const reached = probe.passes || answers.some((one) => one.container === container && one.answer.status === 'pass')
    const healthy = container.State.Health?.Status === 'healthy'
    const judged = besideBefore(answer, port.inside, container.Config.Labels, { reached, healthy })
    const title = `${name} answers on port ${port.port}`
    return { container, check: { id: `port:${name}:${port.port}`, title, ...judged } }
  })
  return probe.isProbed ? checks.filter(({ check }) => check.status !== 'unknown') : checks
}

const identityCheck = (container: Container, name: string, identities: ReadonlySet<string>): Check => ({
  id: `identity:${name}`,
  title: `${name} runs the planned image`,
  status: identities.has(container.Image) ? 'pass' : 'fail',
  detail: `${container.Config.Image} (${shortId(container.Image)})`
})

const jobCheck = (name: string): Check => ({
  id: `health:${name}`,
  title: `The job ${name} ended well`,
  status: 'pass',
  detail: 'exit code 0'
})

function healthCheck(container: Container, name: string): Check {
  const status = container.State.Health?.Status
  const id = `health:${name}`
  const title = `${name} is healthy`
  if (!container.State.Running || container.State.Restarting)
    return {
      id,
      title,
      status: 'fail',
      detail: `it is ${container.State.Status}, exit code ${container.State.ExitCode}`
    }
  if (status === 'unhealthy') return { id, title, status: 'fail', detail: 'its health check fails' }
  if (status === 'starting') return { id, title, status: 'unknown', detail: 'its health check has not passed yet' }
  return {
    id,
    title,
    status: 'pass',
    detail: status === 'healthy' ? 'its health check passes' : 'it runs and has no health check'
  }
}

function restartCheck(container: Container, name: string, baseline: JsonObject | undefined): Check {
  const id = `restarts:${name}`
  const title = `${name} was not restarted`
  const before = baselineOf(baseline)[name]
  const now = observation(container)[1]
  const restarts = container.RestartCount ?? 0
  if (!before) return { id, title, status: restarts > 2 ? 'fail' : 'pass', detail: `${restarts} restarts so far` }
  const changed = Object.keys(now).filter((key) => before[key] !== now[key])
  if (changed.length === 0) return { id, title, status: 'pass', detail: `up since ${container.State.StartedAt}` }
  return {
    id,
    title,
    status: 'fail',
    detail: changed.includes('id') ? 'it was replaced' : `it was restarted, last at ${container.State.StartedAt}`
  }
}
