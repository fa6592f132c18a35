import type { Check, CheckReport } from '../../../model/check.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { Release } from '../../../model/release.ts'
import { messageOf } from '../../../support/errors.ts'
import { oneLine } from '../../../support/text.ts'
import type { Look } from '../../target.ts'
import { knock, probeOnce } from '../probe.ts'
import type { Workshop } from '../workshop.ts'
import { findServices } from './find.ts'
import { isRunning, type Observed, serviceHealth } from './health.ts'
import { imageOf } from './inspect.ts'
import { isRelease, observe } from './survey.ts'

/** Looks whether each service runs a release with all its tasks, none of them replaced since, and answers. */
export async function checkServices(workshop: Workshop, release: Release, look: Look): Promise<CheckReport> {
  const observed = await seen(workshop, look.signal)
  if (typeof observed === 'string') {
    const check: Check = { id: 'services', title: 'The swarm can be asked', status: 'unknown', detail: observed }
    return { checks: [check], observed: look.baseline ?? {} }
  }
  const checks = await Promise.all(observed.map((one) => checksOf(workshop, one, release, look)))
  const { probe } = workshop.config
  const probed = probe ? await probeOnce(probe, look.signal) : null
  return {
    checks: [
      ...checks.flat(),
      ...(probed ? [verdict('probe', 'The configured probe passes', probed.ok, probed.detail)] : [])
    ],
    observed: Object.fromEntries(observed.map((one) => [one.service.Spec.Name, runningIds(one)])) as JsonObject
  }
}

async function seen(workshop: Workshop, signal: AbortSignal): Promise<Observed[] | string> {
  try {
    return await observe(workshop, await findServices(workshop, signal), signal)
  } catch (error) {
    return oneLine(messageOf(error), 300)
  }
}

async function checksOf(
  workshop: Workshop,
  observed: Observed,
  release: Release,
  { signal, baseline }: Look
): Promise<Check[]> {
  const { service, tasks, wanted } = observed
  const { Name } = service.Spec
  const running = tasks.filter(isRunning)
  const others = running.filter((task) => task.Spec.ContainerSpec.Image !== imageOf(service.Spec))
  const health = serviceHealth(observed, workshop.clock.now().getTime())
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
      known ? `${fresh.length} new tasks since the first look` : 'first look'
    ),
    ...(await portChecks(workshop, observed, signal))
  ]
}

/** Ports in the ingress answer on every manager; those in host mode where their task runs, which only one node tells us. */
async function portChecks({ engine }: Workshop, { service, tasks }: Observed, signal: AbortSignal): Promise<Check[]> {
  const ingress = (service.Endpoint?.Ports ?? []).filter(({ PublishMode }) => PublishMode !== 'host')
  const host = tasks.filter(isRunning).flatMap(({ Status }) => Status.PortStatus?.Ports ?? [])
  const ports = [...ingress, ...host].filter(({ Protocol, PublishedPort }) => Protocol !== 'udp' && PublishedPort)
  return Promise.all(
    [...new Set(ports.map(({ PublishedPort }) => PublishedPort ?? 0))].map(async (port) => {
      const answer = await knock(engine.publishedHost, port, signal)
      return verdict(
        `${service.Spec.Name}:port:${port}`,
        `${service.Spec.Name} answers on port ${port}`,
        answer.ok,
        answer.detail
      )
    })
  )
}

const runningIds = ({ tasks }: Observed): string[] => tasks.filter(isRunning).map(({ ID }) => ID)

const verdict = (id: string, title: string, ok: boolean, detail: string): Check => ({
  id,
  title,
  status: ok ? 'pass' : 'fail',
  detail
})
