import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Check } from '../../../../model/check.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Container } from '../../objects/schemas.ts'
import { type Answer, connectOnce } from './probe.ts'

export interface PublishedPort {
  port: number
  /** Empty for every address. */
  ip: string
  /** The port within the container: `8080/tcp`. */
  inside: string
}

/** The TCP ports under which a running container is published, those that the engine chose among them. */
export function publishedPorts({ State, NetworkSettings }: Container): PublishedPort[] {
  if (!State.Running) return []
  const found = Object.entries(NetworkSettings.Ports ?? {}).flatMap(([inside, bindings]) =>
    inside.endsWith('/tcp')
      ? (bindings ?? []).map(({ HostIp = '', HostPort }) => ({
          inside,
          port: Number(HostPort),
          ip: isAny(HostIp) ? '' : HostIp
        }))
      : []
  )
  const each = new Map(found.map((one) => [`${one.ip} ${one.port}`, one]))
  return [...each.values()].filter(({ port }) => port > 0)
}

/** Where this program is, seen from an engine. */
export interface Viewpoint {
  /** Where a port answers that is published on every address. */
  publishedHost: string
  /** On the engine's own machine, in the same network. */
  here: boolean
  /** In a container: its loopback is not the engine's. */
  contained: boolean
}

/** A socket or a loopback address may lead to an engine elsewhere: out of a container, through a tunnel, into a virtual machine. */
export async function viewpointOn(engine: Engine, signal: AbortSignal): Promise<Viewpoint> {
  const { publishedHost } = engine
  const { Name: name } = await engine.facts(signal)
  const here = isLoopback(publishedHost) && name === hostname()
  return { publishedHost, here, contained: !here && containerMarks.some((path) => existsSync(path)) }
}

const containerMarks = ['/.dockerenv', '/run/.containerenv']

/** Where a port can be asked from here; null where an answer would mean nothing. */
export function hostToAsk(
  { ip }: Omit<PublishedPort, 'inside'>,
  { publishedHost, here, contained }: Viewpoint
): string | null {
  if (ip !== '') return isLoopback(ip) && !here ? null : ip
  return contained && isLoopback(publishedHost) ? null : publishedHost
}

/** What an answer proves: from another machine, silence may come from the network between. */
export function statusOf({ ok, reason }: Answer, host: string, { here }: Viewpoint): Check['status'] {
  if (ok) return 'pass'
  if (here || reason === 'closed') return 'fail'
  return reason === 'refused' && !isLoopback(host) ? 'fail' : 'unknown'
}

/** Asks once whether a published port answers. */
export async function askPort(
  published: Omit<PublishedPort, 'inside'>,
  view: Viewpoint,
  signal: AbortSignal
): Promise<Pick<Check, 'status' | 'detail'>> {
  const host = hostToAsk(published, view)
  if (host === null)
    return {
      status: 'unknown',
      detail: `${published.ip || 'localhost'}:${published.port} on the engine's machine cannot be reached from here; ${remedy}`
    }
  const answer = await connectOnce(host, published.port, signal)
  const status = statusOf(answer, host, view)
  return {
    status,
    detail: status === 'unknown' ? `${answer.detail} when asked from here; ${remedy}` : answer.detail
  }
}

const remedy = 'set `probe` in the configuration of the target to say how users reach it'

const isAny = (ip: string): boolean => ip === '' || ip === '0.0.0.0' || ip === '::'

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')
