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

/** Thrown where the registry asks for a one-time password and offers no web login: a person must act. */
export class NeedsOneTimePassword extends Error {
  constructor() {
    super('the registry asks for a one-time password')
  }
}

/** What a person is told then. */
export const manualPassword = (command: string, state?: string): string[] => [
  `The registry asks for a one-time password and offers programs no web login.${state ? ` ${state}` : ''}`,
  'Run this where you can enter the password (with an authenticator app, add --otp=<code>):',
  command
]

export interface Authority {
  /** Writes, and repeats that with the password of a web login when the registry asks for one. */
  write<T>(work: (write: Write) => Promise<T>, run: Run): Promise<T>
}

const webLoginSchema = z.looseObject({
  authUrl: z.url({ protocol: /^https?$/ }),
  doneUrl: z.url({ protocol: /^https?$/ })
})
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
  for (;;) {
    run.progress(`Open ${oneLine(authUrl, 160)} in a browser and confirm: the registry asks for a second factor`)
    const response = await registry.get(doneUrl, run.signal)
    if (response.status !== 202) {
      const password = passwordSchema.safeParse(tryOutsideJson(response.body.toString('utf8')))
      if (!password.success) throw new NeedsOneTimePassword()
      return password.data.token
    }
    const seconds = Number(headerOf(response.headers, 'retry-after') ?? 1)
    await clock.sleep(Math.min(Math.max(Number.isFinite(seconds) ? seconds * 1000 : 1000, 250), 10_000), run.signal)
  }
}
