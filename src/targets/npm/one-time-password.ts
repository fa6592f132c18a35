import { z } from 'zod'
import type { Clock } from '../../support/clock.ts'
import { TargetError } from '../../support/errors.ts'
import type { Mask } from '../../support/mask.ts'
import { oneLine } from '../../support/text.ts'
import type { Run } from '../target.ts'
import { asHttpFailure, statusOf } from './failure.ts'
import type { Registry, Write } from './registry.ts'

/** Thrown where the registry asks for a one-time password and offers no web login: a person must act. */
export class NeedsOneTimePassword extends Error {
  constructor() {
    super('the registry asks for a one-time password')
  }
}

export interface Authority {
  /** Does a write, and once more with the password of a web login when the registry asks for one. */
  write<T>(work: (write: Write) => Promise<T>, run: Run): Promise<T>
}

const webLoginSchema = z.looseObject({
  authUrl: z.url({ protocol: /^https?$/ }),
  doneUrl: z.url({ protocol: /^https?$/ })
})
const passwordSchema = z.looseObject({ token: z.string().min(1) })

/** Remembers the password of a web login, for registries let it be used again for some minutes. */
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

/** npm's client reports a 401 as EOTP when `www-authenticate` says OTP or the body speaks of a one-time password. */
function asksForPassword(error: unknown): boolean {
  const { code, body, headers } = asHttpFailure(error)
  if (code === 'EOTP') return true
  if (statusOf(error) !== 401) return false
  return webLoginSchema.safeParse(body).success || /\botp\b/i.test(headers?.['www-authenticate']?.join(' ') ?? '')
}

/**
 * Shows the address of the registry's web login and waits until somebody has been there, or the run is aborted or cancelled.
 * The address to ask must be the registry's own: credentials go with the question.
 */
async function webLogin(error: unknown, registry: Registry, clock: Clock, run: Run): Promise<string> {
  const offered = webLoginSchema.safeParse(asHttpFailure(error).body)
  if (!offered.success || new URL(offered.data.doneUrl).origin !== new URL(registry.url).origin)
    throw new NeedsOneTimePassword()
  const { authUrl, doneUrl } = offered.data
  const signal = AbortSignal.any([run.signal, run.cancelled])
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
    why: `nobody confirmed the web login of ${registry} before`,
    state: 'Nothing was written to the registry in this step.',
    next: 'Assess again when somebody can confirm the login.',
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
      const password = passwordSchema.safeParse(await response.json().catch(() => null))
      if (!password.success) throw new NeedsOneTimePassword()
      return password.data.token
    }
    await response.text()
    const seconds = Number(response.headers.get('retry-after') ?? 1)
    await clock.sleep(Math.min(Math.max(Number.isFinite(seconds) ? seconds * 1000 : 1000, 250), 10_000), run.signal)
  }
}
