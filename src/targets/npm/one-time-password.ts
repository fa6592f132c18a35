import { z } from 'zod'
import { headerOf } from '../../http/answer.ts'
import type { Clock } from '../../support/clock.ts'
import { TargetError } from '../../support/errors.ts'
import { anySignal } from '../../support/limit.ts'
import type { Mask } from '../../support/mask.ts'
import { tryOutsideJson } from '../../support/nesting.ts'
import { oneLine } from '../../support/text.ts'
import type { Run } from '../target.ts'
import { RegistryRefusal } from './failure.ts'
import type { Registry, Write } from './registry.ts'

/** Thrown where the registry asks for a second factor that nobody here gives: a person must act. */
export class NeedsOneTimePassword extends Error {
  constructor(why = 'and offers programs no web login') {
    super(`The registry asks for a two-factor login (one-time password) ${why}.`)
  }
}

/** What a person is told then. */
export const manualPassword = ({ message }: NeedsOneTimePassword, command: string, state?: string): string[] => [
  `${message}${state ? ` ${state}` : ''}`,
  'Run this where you can confirm the login (with an authenticator app, add --otp=<code>):',
  command,
  'For unattended runs, set NPM_TOKEN to a granular access token with write access to the package that bypasses two-factor authentication. A token of a login session, and trusted publishing, cannot do it.'
]

export interface Authority {
  /** Writes, and repeats that with the password of a web login when the registry asks for one. */
  write<T>(work: (write: Write) => Promise<T>, run: Run): Promise<T>
}

const webLoginSchema = z.looseObject({
  authUrl: z.url({ protocol: /^https?$/ }),
  doneUrl: z.url({ protocol: /^https?$/ })
})
/** Long enough for a person who is there, and shorter than the time for a rollback. */
const confirmedWithinMs = 5 * 60_000

const passwordSchema = z.looseObject({ token: z.string().min(1) })

/** Remembers the password of a web login, because registries accept it for some minutes. */
export function createAuthority(registry: Registry, clock: Clock, mask: Mask): Authority {
  let otp: string | undefined
  return {
    async write(work, run) {
      const { signal } = run
      try {
        return await work({ signal, ...(otp && { otp }) })
      } catch (error) {
        signal.throwIfAborted()
        if (!asksForPassword(error)) throw error
        otp = await webLogin(error, registry, clock, run)
        mask.add(otp)
        try {
          return await work({ signal, otp })
        } catch (again) {
          throw asksForPassword(again) ? new NeedsOneTimePassword() : again
        }
      }
    }
  }
}

/** A registry asks for one in its challenge, by offering a web login, or only in the text of a 401. */
const asksForPassword = (error: unknown): boolean =>
  error instanceof RegistryRefusal &&
  error.status === 401 &&
  (/\botp\b/i.test(error.challenge) || /one-time pass/.test(error.text) || webLoginSchema.safeParse(error.body).success)

/**
 * Shows the address of the registry's web login and waits until a person has confirmed it, or the run is aborted or cancelled.
 * The address to poll must be the registry's own, because credentials are sent with each poll.
 */
async function webLogin(error: unknown, registry: Registry, clock: Clock, run: Run): Promise<string> {
  const offered = webLoginSchema.safeParse(error instanceof RegistryRefusal ? error.body : null)
  if (!offered.success || new URL(offered.data.doneUrl).origin !== new URL(registry.url).origin)
    throw new NeedsOneTimePassword()
  if (!run.attended) throw new NeedsOneTimePassword('and nobody is here to confirm its web login')
  const { authUrl, doneUrl } = offered.data
  const signal = anySignal(run.signal, run.cancelled)
  try {
    return await awaitLogin(authUrl, doneUrl, registry, clock, { ...run, signal })
  } catch (cause) {
    if (run.cancelled.aborted && !run.signal.aborted) throw cancelledWaiting(registry.url)
    throw cause
  }
}

const cancelledWaiting = (registry: string): TargetError =>
  new TargetError({
    what: 'The wait for the one-time password was cancelled',
    why: `the web login of ${registry} was not confirmed before that`,
    state: 'Nothing was written to the registry in this step.',
    next: 'Assess again when a person can confirm the login.',
    code: 'cancelled'
  })

async function awaitLogin(
  authUrl: string,
  doneUrl: string,
  registry: Registry,
  clock: Clock,
  run: Run
): Promise<string> {
  const until = clock.now().getTime() + confirmedWithinMs
  for (;;) {
    run.progress(`Open ${oneLine(authUrl, 160)} in a browser and confirm: the registry asks for a second factor`)
    const response = await registry.get(doneUrl, run.signal)
    if (response.status !== 202) {
      const password = passwordSchema.safeParse(tryOutsideJson(response.body.toString('utf8')))
      if (!password.success) throw new NeedsOneTimePassword()
      return password.data.token
    }
    if (clock.now().getTime() > until)
      throw new NeedsOneTimePassword('and its web login was not confirmed within 5 minutes')
    const seconds = Number(headerOf(response.headers, 'retry-after') ?? 1)
    await clock.sleep(Math.min(Math.max(Number.isFinite(seconds) ? seconds * 1000 : 1000, 250), 10_000), run.signal)
  }
}
