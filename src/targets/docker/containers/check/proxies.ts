import type { Check } from '../../../../model/check.ts'
import type { Risk } from '../../../../model/observation.ts'
import { untilGood } from '../../../../support/until-good.ts'
import type { DockerContext } from '../../context.ts'
import { type Container, type ContainerSummary, nameOf } from '../../objects/schemas.ts'
import { hasFixedAddress } from '../recreate/networks.ts'
import { addressesOf, askProxy, elsewhere, isBad, judgeProxy, saidBefore } from './proxy-answers.ts'
import { reloadOf } from './proxy-programs.ts'
import { viewpointOn } from './published-ports.ts'

/** A running proxy on a network of the target that remembers addresses. */
export interface Proxy {
  summary: ContainerSummary
  name: string
  /** Makes it resolve names again, without an interruption. */
  reload: string
}

/** The proxies that may remember the address of one of these containers. */
export function proxiesBefore(containers: readonly Container[], all: readonly ContainerSummary[]): Proxy[] {
  const moving = containers.filter((container) => !hasFixedAddress(container))
  const networks = new Set(
    moving
      .flatMap(({ NetworkSettings }) => Object.keys(NetworkSettings.Networks ?? {}))
      .filter((name) => name !== 'bridge')
  )
  return all.flatMap((summary) => {
    const reload = reloadOf(summary)
    const shares = Object.keys(summary.NetworkSettings?.Networks ?? {}).some((name) => networks.has(name))
    if (!reload || !shares || summary.State !== 'running' || containers.some(({ Id }) => Id === summary.Id)) return []
    return [{ summary, name: nameOf(summary), reload }]
  })
}

/** What becomes of users behind such a proxy. */
export const proxyRisks = (containers: readonly Container[], all: readonly ContainerSummary[]): Risk[] =>
  proxiesBefore(containers, all).map(({ name, reload }) => ({
    id: `proxy:${name}`,
    serious: false,
    title: `${name} may keep the address of the old container`,
    detail: `The new one may get another address. If ${name} answers 502, 503 or 504 afterwards, run: ${reload}`
  }))

/** Asks through each proxy as a user would, and judges the answers beside those from before the rollback. */
export async function proxyChecks(
  docker: DockerContext,
  containers: readonly Container[],
  all: readonly ContainerSummary[],
  signal: AbortSignal
): Promise<Check[]> {
  const checks = (await placesOf(docker, proxiesBefore(containers, all), signal)).map(
    async ({ name, reload, url, port }): Promise<Check[]> => {
      const ask = () => askProxy(docker.env, url, patienceMs, signal)
      const answer = await untilGood(docker.clock, signal, ask, (one) => !isBad(one) || one.said === 'hangs')
      const judged = judgeProxy(answer, saidBefore(containers, `${name}:${port}`), reload)
      const title = judged?.status === 'pass' && isBad(answer) ? 'answers as before' : 'reaches the service'
      return judged ? [{ id: `proxy:${name}:${port}`, title: `${name} ${title}`, ...judged }] : []
    }
  )
  return (await Promise.all(checks)).flat()
}

const patienceMs = 8000
/** Users may be without the service while this is asked. */
const patienceBeforeMs = 2000

/**
 * What the proxies say before a container is replaced, for its label. A bad answer has another cause than the container where its health
 * check passes and the proxy started after it: then the proxy knows its address.
 */
export async function proxiesSaying(docker: DockerContext, old: Container, signal: AbortSignal): Promise<string> {
  const { engine } = docker
  const places = await placesOf(docker, proxiesBefore([old], await engine.containers.list(signal)), signal)
  const entries = places.map(async ({ name, port, url, summary }) => {
    const { said } = await askProxy(docker.env, url, patienceBeforeMs, signal)
    const healthy = isBad({ said }) && old.State.Health?.Status === 'healthy'
    const proxy = healthy ? await engine.containers.inspect(summary.Id, signal) : null
    const knows = Date.parse(proxy?.State.StartedAt ?? '') > Date.parse(old.State.StartedAt ?? '')
    return `${name}:${port}=${said}${knows ? elsewhere : ''}`
  })
  return (await Promise.all(entries)).sort().join(',')
}

/** The published ports of proxies that can be asked from here. */
async function placesOf({ engine }: DockerContext, proxies: readonly Proxy[], signal: AbortSignal) {
  if (proxies.length === 0) return []
  const view = await viewpointOn(engine, signal)
  return proxies.flatMap((proxy) => addressesOf(proxy.summary, view).map((place) => ({ ...proxy, ...place })))
}
