import type { RequestOptions } from 'node:https'
import type { User } from '@kubernetes/client-node'
import { z } from 'zod'
import { ConfigError, messageOf, RollbackError } from '../../../support/errors.ts'
import { parseOutsideJson } from '../../../support/nesting.ts'
import { runProgram } from '../../../support/run-program.ts'
import type { Kubeconfig } from './kubeconfig.ts'

/** What the kubeconfig's user adds to each request. */
export interface Login {
  /** @throws ConfigError when a login program fails. */
  options(): Promise<RequestOptions>
  /** Forgets what the server has refused, so that the kubeconfig is read and a login program run again. */
  renew(refused: RequestOptions): Promise<void>
}

const limitMs = 60_000
/** A credential without an end is good until it is refused; one with an end is checked again this often. */
const keepMs = 60_000

/**
 * Logs in as the kubeconfig says. A login program runs once for all requests that wait for it, and its credential serves until it is
 * refused or a minute old, as in client-go (k8s.io/client-go/plugin/pkg/client/auth/exec).
 */
export function openLogin(first: Kubeconfig, read: () => Promise<Kubeconfig>, env: NodeJS.ProcessEnv): Login {
  let kubeconfig = first
  let kept: { options: Promise<RequestOptions>; since: number } | null = null

  async function ask(): Promise<RequestOptions> {
    const options: RequestOptions = {}
    const { config, user, context } = kubeconfig
    try {
      if (user?.exec) config.users = [{ ...user, exec: undefined, ...(await runLogin(user, env)) }]
      await config.applyToHTTPSOptions(options)
      return options
    } catch (error) {
      throw error instanceof RollbackError ? error : loginFailed(messageOf(error), context.user)
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

/** What kubectl runs as a login program (kubernetes.io, "client-go credential plugins"). */
const execSchema = z.looseObject({
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish()
})
const text = z.string().nullish()
const credentialSchema = z.looseObject({
  status: z.looseObject({ token: text, clientCertificateData: text, clientKeyData: text })
})

/** Runs a login program. What it prints when it fails may be a secret of any form, so it is not repeated. */
async function runLogin({ name, exec }: User, env: NodeJS.ProcessEnv): Promise<Partial<User>> {
  const { data } = execSchema.safeParse(exec)
  if (!data) throw loginFailed('its login program has no command', name)
  const program = `its login program ${data.command}`
  const variables = Object.fromEntries((data.env ?? []).map((one) => [one.name, one.value]))
  const answer = await runProgram(data.command, data.args ?? [], { env, variables, role: 'kubectl-login', limitMs })
  if (answer.problem === 'cannot_run')
    throw loginFailed(`${program} cannot be run: it is not on PATH or not executable`, name)
  if (answer.problem === 'timed_out') throw loginFailed(`${program} gave no answer within ${limitMs / 1000} s`, name)
  if (!answer.ok) throw loginFailed(`${program} failed; run it with kubectl to see its message`, name)
  const status = credentialOf(answer.stdout)
  if (!status) throw loginFailed(`${program} printed no credential`, name)
  return {
    ...(status.token && { token: status.token }),
    ...(status.clientCertificateData && { certData: base64(status.clientCertificateData) }),
    ...(status.clientKeyData && { keyData: base64(status.clientKeyData) })
  }
}

const base64 = (value: string): string => Buffer.from(value).toString('base64')

function credentialOf(printed: string): z.infer<typeof credentialSchema>['status'] | undefined {
  try {
    return credentialSchema.safeParse(parseOutsideJson(printed)).data?.status
  } catch {
    return undefined
  }
}

const loginFailed = (why: string, user: string): ConfigError =>
  new ConfigError({
    what: `Logging in as ${user} failed`,
    why,
    next: 'Log in as you do for kubectl, check that "kubectl auth can-i get deployments" works, then try again.',
    code: 'login_failed'
  })
