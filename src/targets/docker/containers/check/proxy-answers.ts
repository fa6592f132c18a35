import { probe as probeHttp } from '../../../../http/probe.ts'
import type { Check } from '../../../../model/check.ts'
import type { Container, ContainerSummary } from '../../objects/schemas.ts'
import { hostToAsk, type Viewpoint } from './published-ports.ts'

/** What a proxy says on one of its published ports: a status, `hangs`, or `none` where it is no HTTP. */
export interface ProxyAnswer {
  said: string
  detail: string
}

/** Asks for `/` as a user does. */
export async function askProxy(
  env: NodeJS.ProcessEnv,
  url: string,
  limitMs: number,
  signal: AbortSignal
): Promise<ProxyAnswer> {
  const { status, timedOut, detail } = await probeHttp(url, { env, signal, limitMs })
  return { said: status === undefined ? (timedOut ? 'hangs' : 'none') : String(status), detail }
}

/** The gateway itself answers, or nobody does. */
export const isBad = ({ said }: Pick<ProxyAnswer, 'said'>): boolean => /^(502|503|504|hangs)$/.test(said)

/** Follows the answer from before the rollback where it has another cause than what is rolled back. */
export const elsewhere = '!'

/**
 * Judges an answer beside the one from before the rollback; null where it is no HTTP. A bad one that is new may come from an address that
 * the proxy remembers. One that was bad before may have come from the failed version and must be gone, unless it had another cause.
 * Neither is a failure, for the proxy may have a reason of its own.
 */
export function judgeProxy(
  { said, detail }: ProxyAnswer,
  before: string | undefined,
  reload: string
): Pick<Check, 'status' | 'detail'> | null {
  const was = before?.replace(elsewhere, '') ?? 'none'
  const isLost = said === 'none' && /^\d+$/.test(was)
  if (!isBad({ said }) && !isLost) return said === 'none' ? null : { status: 'pass', detail }
  if (was === 'none') return { status: 'unknown', detail: `${detail}. It may keep the old address. Run: ${reload}` }
  const told = `${detail}; it ${was === 'hangs' ? 'did not answer' : `answered ${was}`} before the rollback`
  if (!isBad({ said: was }))
    return { status: 'unknown', detail: `${told}. It may keep the old address. Run: ${reload}` }
  // Before, less time was given for an answer.
  return before === said + elsewhere || before === `hangs${elsewhere}`
    ? { status: 'pass', detail: `${told} too, when what was rolled back was healthy` }
    : { status: 'unknown', detail: `${told} too. If it keeps an old address, run: ${reload}` }
}

/** Where the published TCP ports of a proxy can be asked from here. */
export function addressesOf({ Ports: ports }: ContainerSummary, view: Viewpoint): { url: string; port: number }[] {
  const each = new Map<number, string>()
  for (const { PublicPort: port, Type: type = 'tcp', IP: ip = '' } of ports ?? []) {
    const host = hostToAsk({ port: port ?? 0, ip: ['0.0.0.0', '::'].includes(ip) ? '' : ip }, view)
    if (port && type === 'tcp' && host !== null && !each.has(port)) each.set(port, host)
  }
  return [...each].map(([port, host]) => ({ port, url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/` }))
}

/** The label of a replacement with what the proxies before its predecessor said: `edge:8080=502,…`. */
export const proxiesLabel = 'popkit.rollback.proxies'

/** What a proxy said before the rollback, by the newest container that tells. */
export function saidBefore(containers: readonly Container[], key: string): string | undefined {
  const labels = [...containers]
    .sort((a, b) => Date.parse(b.Created) - Date.parse(a.Created))
    .map(({ Config }) => Config.Labels?.[proxiesLabel])
  const entries = (labels.find((label) => label) ?? '').split(',').map((entry) => entry.split('='))
  return entries.find(([name]) => name === key)?.[1]
}
