import type { Check, CheckReport } from '../../../model/check.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { Release } from '../../../model/release.ts'
import { messageOf } from '../../../support/errors.ts'
import { oneLine } from '../../../support/text.ts'
import { untilGood } from '../../../support/until-good.ts'
import type { CheckOptions } from '../../target.ts'
import { probeCheck } from '../containers/check/probe.ts'
import { askPort, type PublishedPort, viewpointOn } from '../containers/check/published-ports.ts'
import type { DockerContext } from '../context.ts'
import type { Port } from '../objects/swarm-schemas.ts'
import { findServices } from './find.ts'
import { isRunning, type ObservedService, serviceHealth } from './health.ts'
import { imageOf, nodeAddresses } from './inspect.ts'
import { isRelease, observeTasks } from './observe.ts'

/** Looks whether each service runs a release with all its tasks, none of them replaced since, and answers. */
export async function checkServices(docker: DockerContext, release: Release, look: CheckOptions): Promise<CheckReport> {
  const observed = await seen(docker, look.signal)
  if (typeof observed === 'string') {
    const check: Check = { id: 'services', title: 'The swarm answers', status: 'unknown', detail: observed }
    return { checks: [check], observed: look.baseline ?? {} }
  }
  const checks = await Promise.all(observed.map((one) => checksOf(docker, one, release, look)))
  const { probe } = docker.config

  return {
    checks: [...checks.flat(), ...(probe ? [await probeCheck(docker, probe, look.signal)] : [])],
    observed: Object.fromEntries(observed.map((one) => [one.service.Spec.Name, runningIds(one)])) as JsonObject
  }
}

async function seen(docker: DockerContext, signal: AbortSignal): Promise<ObservedService[] | string> {
  try {
    return await observeTasks(docker, await findServices(docker, signal), signal)
  } catch (error) {
    return oneLine(messageOf(error), 300)
  }
}

async function checksOf(
  docker: DockerContext,
  observed: ObservedService,
  release: Release,
  { signal, baseline }: CheckOptions
): Promise<Check[]> {
  const { service, tasks, wanted } = observed
  const { Name } = service.Spec
  const running = tasks.filter(isRunning)
  const others = running.filter((task) => task.Spec.ContainerSpec.Image !== imageOf(service.Spec))
  const health = serviceHealth(observed, docker.clock.now().getTime())
  const before = baseline?.[Name]
  const known = Array.isArray(before) ? before : null
  const fresh = known ? runningIds(observed).filter((id) => !known.includes(id)) : []
  return [
    verdict(
      `${Name}:image`,
      `${Name} runs the planned image`,
      isRelease(service.Spec, release) && others.length === 0,
      others.length === 0 ? imageOf(service.Spec) : `${others.length} tasks run ${others[0]?.Spec.ContainerSpec.Image}`
    ),
    verdict(
      `${Name}:tasks`,
      `All tasks of ${Name} run`,
      running.length >= wanted && health.state === 'healthy',
      health.message
    ),
    verdict(
      `${Name}:restarts`,
      `No task of ${Name} was replaced`,
      fresh.length === 0,
      known ? `${fresh.length} new tasks since the first check` : 'first check'
    ),
    ...(await portChecks(docker, observed, signal))
  ]
}

/**
 * Ports in the ingress answer on every node of the swarm, and so on the manager that is asked; those in host mode on the node
 * where their task runs.
 */
async function portChecks(
  docker: DockerContext,
  { service, tasks }: ObservedService,
  signal: AbortSignal
): Promise<Check[]> {
  const asked = new Map<string, { published: Omit<PublishedPort, 'inside'>; node: string | undefined }>()
  const add = (ports: readonly Port[], node?: string): void => {
    for (const { Protocol, PublishedPort: port } of ports)
      if (Protocol !== 'udp' && port) asked.set(`${node ?? ''} ${port}`, { published: { port, ip: '' }, node })
  }
  add((service.Endpoint?.Ports ?? []).filter(({ PublishMode }) => PublishMode !== 'host'))
  for (const { Status, NodeID } of tasks.filter(isRunning)) add(Status.PortStatus?.Ports ?? [], NodeID)
  if (asked.size === 0) return []
  const view = await viewpointOn(docker.engine, signal)
  const nodes = await nodeAddresses(docker.engine, signal)
  return Promise.all(
    [...asked.values()].map(async ({ published, node }) => {
      const elsewhere = node !== undefined && node !== nodes.own ? nodes.addresses.get(node) : undefined
      const from = elsewhere ? { publishedHost: elsewhere, here: false, contained: false } : view
      const answer = await untilGood(
        docker.clock,
        signal,
        () => askPort(published, from, signal),
        ({ status }) => status !== 'fail'
      )
      const at = elsewhere ? ` on ${elsewhere}` : ''
      const { Name } = service.Spec
      const id = `${Name}:port:${published.port}${elsewhere ? `:${elsewhere}` : ''}`
      return { id, title: `${Name} answers on port ${published.port}${at}`, ...answer }
    })
  )
}

const runningIds = ({ tasks }: ObservedService): string[] => tasks.filter(isRunning).map(({ ID }) => ID)

const verdict = (id: string, title: string, ok: boolean, detail: string): Check => ({
  id,
  title,
  status: ok ? 'pass' : 'fail',
  detail
})
