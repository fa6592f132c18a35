import type { RequestOptions } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, messageOf } from '../../../support/errors.ts'
import type { Kubeconfig } from './kubeconfig.ts'

/** What the kubeconfig's user adds to each request. */
export interface Login {
  /** @throws ConfigError when a login program fails. */
  options(): Promise<RequestOptions>
  /** Forgets what the server has refused, so that the kubeconfig is read and a login program run anew. */
  renew(refused: RequestOptions): Promise<void>
}

const withinMs = 60_000
/** A credential without an end is good until it is refused; one with an end is looked at again this often. */
const keepMs = 60_000

/**
 * Logs in as the kubeconfig says. A login program runs once for all requests that wait for it, and its credential serves until it is
 * refused or has been kept for a minute, as client-go does (k8s.io/client-go/plugin/pkg/client/auth/exec).
 */
export function openLogin(first: Kubeconfig, read: () => Promise<Kubeconfig>): Login {
  let kubeconfig = first
  let kept: { options: Promise<RequestOptions>; since: number } | null = null

  async function ask(): Promise<RequestOptions> {
    const options: RequestOptions = {}
    const { config, user, context } = kubeconfig
    try {
      await inTime(config.applyToHTTPSOptions(options))
      return options
    } catch (error) {
      throw loginFailed(user?.exec ? programFailure(user.exec, error) : messageOf(error), context.user)
    }
  }

  return {
    async options() {
      if (!kubeconfig.user?.exec) return ask()
      if (!kept || performance.now() - kept.since > keepMs) {
        const mine = { options: ask(), since: performance.now() }
        kept = mine
        mine.options.catch(() => {
          if (kept === mine) kept = null
        })
      }
      return kept.options
    },
    async renew(refused) {
      if (kept && (await kept.options) !== refused) return
      kept = null
      kubeconfig = await read()
    }
  }
}

/** A login program may wait for somebody who is not there. */
async function inTime(login: Promise<void>): Promise<void> {
  const end = new AbortController()
  const late = sleep(withinMs, undefined, { signal: end.signal }).then(() => {
    throw new Late()
  })
  try {
    await Promise.race([login, late])
  } finally {
    end.abort()
    late.catch(() => undefined)
  }
}

class Late extends Error {}

/** What a login program prints when it fails may be a secret of any shape, so it is not repeated. */
function programFailure({ command }: { command?: string }, error: unknown): string {
  const name = `its login program ${command ?? ''}`
  if (error instanceof Late) return `${name} gave no answer within ${withinMs / 1000} s`
  const { code } = error as { code?: unknown }
  if (code === 'ENOENT' || code === 'EACCES') return `${name} cannot be run (${code})`
  if (error instanceof SyntaxError || error instanceof TypeError) return `${name} printed no credential`
  return `${name} failed; what it says is seen when kubectl runs it`
}

const loginFailed = (why: string, user: string): ConfigError =>
  new ConfigError({
    what: `Logging in as ${user} failed`,
    why,
    next: 'Log in as you do for kubectl, see that "kubectl auth can-i get deployments" works, then try again.',
    code: 'login_failed'
  })
