import type { NotifySetting } from '../model/notify.ts'
import type { Logger } from '../support/log.ts'
import type { Mask } from '../support/mask.ts'
import { duration } from '../support/text.ts'
import { bodyOf, type RollbackNews } from './message.ts'

/** How long a message may take, and how long its end is waited for. */
const limitMs = 3000

/** Tells people of a rollback. Nothing that goes wrong here is a reason to fail or to wait. */
export interface Notifier {
  /** Tells that a rollback has begun, or goes on; nothing waits for it. */
  begun(news: Beginning): void
  /** Tells how it ended, where its beginning was told; waits 3 s at most, and gives a line for each address that was not told. */
  ended(ending: Ending): Promise<string[]>
  /** Lines for people about settings without effect. */
  notes: string[]
}

type Beginning = Pick<RollbackNews, 'rollbackId' | 'target' | 'from' | 'to' | 'at'>
type Ending = Pick<RollbackNews, 'at'> & Partial<Pick<RollbackNews, 'event' | 'outcome' | 'durationMs' | 'state'>>

interface NotifierParts {
  env: NodeJS.ProcessEnv
  mask: Mask
  log: Logger
}

interface Address {
  variable: string
  url: URL
  format: NotifySetting['webhook']['format']
}

/** Opens the webhooks of deploy.json whose address the environment has; registers each address as a secret. */
export function openNotifier(settings: readonly NotifySetting[], { env, mask, log }: NotifierParts): Notifier {
  const notes: string[] = []
  const addresses = settings.flatMap(({ webhook: { url_env: variable, format } }): Address[] => {
    const text = env[variable]?.trim()
    const url = text && URL.canParse(text) ? new URL(text) : null
    if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password) {
      mask.add(text)
      return [{ variable, url, format }]
    }
    const why = text ? 'holds no http address without a login in it' : 'is not set'
    notes.push(`Nobody is told through ${variable} of \`notify\` in deploy.json: the variable ${why}.`)
    return []
  })
  const failed = new Set<string>()
  // One after another for each address: the end must not arrive before the beginning.
  const pending = new Map(addresses.map((address) => [address, Promise.resolve()]))
  const send = async ({ variable, url, format }: Address, news: RollbackNews): Promise<void> => {
    const why = await post(url, bodyOf(news, format), env).catch(reasonOf)
    if (why === null) return
    failed.add(`${variable} was not told of the rollback: ${mask.text(why)}.`)
    log('warning', `The webhook of ${variable} was not told: ${mask.text(why)}`)
  }
  const tell = (news: RollbackNews): void => {
    const masked = mask.data(news)
    for (const [address, before] of pending)
      pending.set(
        address,
        before.then(() => send(address, masked))
      )
  }
  let rollback: RollbackNews | null = null
  return {
    notes,
    begun(beginning) {
      rollback = { ...beginning, event: 'begun', outcome: null, durationMs: null, state: '' }
      tell(rollback)
    },
    async ended(ending) {
      if (!rollback) return []
      tell({ ...rollback, event: 'ended', ...ending })
      const isInTime = await within(limitMs, Promise.all(pending.values()))
      if (!isInTime && failed.size === 0)
        failed.add(`Whether every webhook was told of the end is unknown: no answer within ${duration(limitMs)}.`)
      return [...failed]
    }
  }
}

/** Whether work ended within a time. */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  const isInTime = await Promise.race([work.then(() => true), late])
  clearTimeout(timer)
  return isInTime
}

/** Why it was not taken; null where it was. No redirect is followed: it could lead anywhere. */
async function post(url: URL, body: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  // Most calls of this program tell nobody, and a start should not pay for it.
  const { request } = await import('../http/request.ts')
  const signal = AbortSignal.timeout(limitMs)
  const headers = { 'content-type': 'application/json' }
  const { status } = await request(url, { env, signal, limitMs, method: 'POST', headers, body, maxBytes: 0, cut: true })
  return status >= 200 && status < 300 ? null : `it answered ${status}`
}

async function reasonOf(error: unknown): Promise<string> {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${duration(limitMs)}`
  const { networkReason } = await import('../http/failure.ts')
  return networkReason(error)
}
