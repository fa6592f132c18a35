import { probe as probeHttp } from '../../../../http/probe.ts'
import type { Check } from '../../../../model/check.ts'
import type { Risk } from '../../../../model/observation.ts'
import { shellWord } from '../../../../support/shell-word.ts'
import { untilGood } from '../../../../support/until-good.ts'
import type { DockerContext } from '../../context.ts'
import { type Container, type ContainerSummary, nameOf } from '../../objects/schemas.ts'
import { hasFixedAddress } from '../recreate/networks.ts'
import { hostToAsk, viewpointOn } from './published-ports.ts'

/** A running proxy on a network of the target that remembers addresses. */
export interface Proxy {
  summary: ContainerSummary
  name: string
  /** Makes it resolve names again, without an interruption. */
  reload: string
}

/** Resolve names once, when they start or reload; Traefik, Caddy and kamal-proxy ask anew. */
const remembering = /nginx|openresty|haproxy/

/** The proxies that may remember the address of one of these containers. */
export function proxiesBefore(containers: readonly Container[], all: readonly ContainerSummary[]): Proxy[] {
  const moving = containers.filter((container) => !hasFixedAddress(container))
  const networks = new Set(
    moving
      .flatMap(({ NetworkSettings }) => Object.keys(NetworkSettings.Networks ?? {}))
      .filter((name) => name !== 'bridge')
  )
  return all.flatMap((summary) => {
    const image = summary.Image.split('/').at(-1) ?? ''
    const program = [image, summary.Command ?? ''].find((text) => remembering.test(text))
    const shares = Object.keys(summary.NetworkSettings?.Networks ?? {}).some((name) => networks.has(name))
    if (!program || !shares || summary.State !== 'running' || containers.some(({ Id }) => Id === summary.Id)) return []
    const name = nameOf(summary)
    const word = shellWord(name)
    const reload = /nginx|openresty/.test(image) ? `docker exec ${word} nginx -s reload` : `docker kill -s HUP ${word}`
    return [{ summary, name, reload }]
  })
}

/** What becomes of users behind such a proxy. */
export const proxyRisks = (containers: readonly Container[], all: readonly ContainerSummary[]): Risk[] =>
  proxiesBefore(containers, all).map(({ name, reload }) => ({
    id: `proxy:${name}`,
    serious: false,
    title: `${name} may keep the address of the old container`,
    detail: `The new one may get another address. If ${name} answers 502 or 504 afterwards, run: ${reload}`
  }))

/**
 * Asks through each proxy as a user would. An answer of the gateway itself may have another cause, so it is no failure, but no success
 * either.
 */
export async function proxyChecks(
  docker: DockerContext,
  containers: readonly Container[],
  all: readonly ContainerSummary[],
  signal: AbortSignal
): Promise<Check[]> {
  const proxies = proxiesBefore(containers, all)
  if (proxies.length === 0) return []
  const view = await viewpointOn(docker.engine, signal)
  const asked = proxies.flatMap((proxy) => addressesOf(proxy, view).map((address) => ({ ...proxy, ...address })))
  const checks = await Promise.all(
    asked.map(async ({ name, reload, url, port }): Promise<Check[]> => {
      const ask = () => probeHttp(url, { env: docker.env, signal, limitMs: gatewayMs })
      const { status, detail } = await untilGood(docker.clock, signal, ask, (answer) => !isOfGateway(answer.status))
      if (status === undefined) return []
      const check = { id: `proxy:${name}:${port}`, title: `${name} reaches the service` }
      return isOfGateway(status)
        ? [{ ...check, status: 'unknown', detail: `${detail}. It may keep the old address. Run: ${reload}` }]
        : [{ ...check, status: 'pass', detail }]
    })
  )
  return checks.flat()
}

const gatewayMs = 8000

const isOfGateway = (status: number | undefined): boolean => status !== undefined && status >= 502 && status <= 504

function addressesOf({ summary }: Proxy, view: Parameters<typeof hostToAsk>[1]): { url: string; port: number }[] {
  const each = new Map<number, string>()
  for (const { PublicPort: port, Type: type = 'tcp', IP: ip = '' } of summary.Ports ?? []) {
    const host = hostToAsk({ port: port ?? 0, ip: ['0.0.0.0', '::'].includes(ip) ? '' : ip }, view)
    if (port && type === 'tcp' && host !== null && !each.has(port)) each.set(port, host)
  }
  return [...each].map(([port, host]) => ({ port, url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/` }))
}
