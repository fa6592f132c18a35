import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../../../support/errors.ts'
import type { Mask } from '../../../support/mask.ts'
import { parseOutsideJson } from '../../../support/nesting.ts'
import { runProgram } from '../../../support/run-program.ts'
import { oneLine } from '../../../support/text.ts'
import type { Engine, RegistryAuth } from '../engine/engine.ts'

/** A login for one registry, as the engine takes it in X-Registry-Auth. */
export interface Credentials {
  username?: string
  password?: string
  identitytoken?: string
  serveraddress: string
}

/** What the Docker configuration holds for a registry; `trouble` when it holds something that does not work. */
export interface Login {
  /** The registry that it is for. */
  registry: string
  credentials?: Credentials
  /** Whose, and where it is from, for people: "of ada (~/.docker/config.json)". */
  from?: string
  /** The credential helper that gave it. */
  helper?: string
  /** The Docker configuration that was read. */
  file?: string
  trouble?: string
}

const configSchema = z.looseObject({
  auths: z
    .record(
      z.string(),
      z.looseObject({
        auth: z.string().optional(),
        username: z.string().optional(),
        password: z.string().optional(),
        identitytoken: z.string().optional()
      })
    )
    .optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional()
})

const helperAnswer = z.looseObject({ Username: z.string(), Secret: z.string() })

/**
 * The login for a registry from the Docker configuration: its helper, the store, else the file
 * (docs.docker.com/reference/cli/docker/login). Every secret read is masked.
 */
export async function loginFor(
  registry: string,
  context: { env: NodeJS.ProcessEnv; mask: Mask },
  signal: AbortSignal
): Promise<Login> {
  const file = join(context.env.DOCKER_CONFIG || join(context.env.HOME || homedir(), '.docker'), 'config.json')
  const serveraddress = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry
  try {
    const text = await readFile(file, 'utf8').catch(() => null)
    if (text === null) return { registry, file }
    const config = configSchema.parse(parseOutsideJson(text))
    const helper = config.credHelpers?.[serveraddress] ?? config.credHelpers?.[registry] ?? config.credsStore
    if (helper) {
      const credentials = await askHelper(helper, serveraddress, context, signal)
      if (credentials)
        return { registry, credentials, from: `${owner(credentials)}(docker-credential-${helper})`, helper, file }
    }
    const entry = Object.entries(config.auths ?? {}).find(([key]) => hostOf(key) === hostOf(serveraddress))?.[1]
    if (!entry) return { registry, file }
    const [username, password] = entry.auth ? decode(entry.auth) : [entry.username, entry.password]
    for (const secret of [entry.auth, password, entry.identitytoken]) context.mask.add(secret)
    const from = `${owner({ username })}(${file})`
    if (entry.identitytoken)
      return { registry, credentials: { identitytoken: entry.identitytoken, serveraddress }, from, file }
    return username && password
      ? { registry, credentials: { username, password, serveraddress }, from, file }
      : { registry, file }
  } catch (error) {
    signal.throwIfAborted()
    return {
      registry,
      file,
      trouble: `the login for ${registry} in ${file} cannot be used: ${oneLine(messageOf(error))}`
    }
  }
}

/** An engine as far as it is trusted with logins. */
type Trusting = Pick<Engine, 'trusted'>

/** The login is not sent to this engine: only deploy.json names it. */
export const isWithheld = ({ trusted }: Trusting, { credentials }: Login): boolean =>
  !trusted && credentials !== undefined

/** The risk that a person accepts so that an engine gets a login all the same. */
export const loginRiskId = ({ registry }: Login): string => `registry_login:${registry}`

/**
 * The header by which the engine logs in to a registry on the caller's behalf.
 * @param accepted the risks that a person accepted for the rollback that runs.
 */
export const registryAuth = (engine: Trusting, login: Login, accepted: readonly string[] = []): RegistryAuth =>
  login.credentials && (engine.trusted || accepted.includes(loginRiskId(login)))
    ? { 'X-Registry-Auth': Buffer.from(JSON.stringify(login.credentials)).toString('base64url') }
    : {}

const owner = ({ username }: { username?: string | undefined }): string =>
  username && username !== '<token>' ? `of ${oneLine(username, 60)} ` : ''

function decode(auth: string): [string, string] {
  const text = Buffer.from(auth, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return [text.slice(0, colon), text.slice(colon + 1).split('\0')[0] ?? '']
}

const hostOf = (address: string): string | undefined => address.replace(/^https?:\/\//, '').split('/')[0]

/** Speaks the protocol of credential helpers (github.com/docker/docker-credential-helpers): the server on stdin, JSON on stdout. */
async function askHelper(
  helper: string,
  server: string,
  { env, mask }: { env: NodeJS.ProcessEnv; mask: Mask },
  signal: AbortSignal
): Promise<Credentials | null> {
  if (!/^[\w.-]+$/.test(helper)) throw new Error(`"${oneLine(helper, 40)}" is not a valid name of a credential helper`)
  const program = `docker-credential-${helper}`
  const { ok, exitCode, problem, stdout } = await runProgram(program, ['get'], {
    env,
    input: server,
    signal,
    limitMs: 15_000
  })
  if (problem === 'cannot_run') throw new Error(`${program} cannot be run: it is not on the PATH`)
  if (!ok) {
    if (/not found/i.test(stdout)) return null
    throw new Error(`${program} ended with ${problem ?? `code ${exitCode}`}: ${oneLine(stdout)}`)
  }
  const { Username, Secret } = helperAnswer.parse(parseOutsideJson(stdout))
  mask.add(Secret)
  if (Username === '<token>') return { identitytoken: Secret, serveraddress: server }
  return { username: Username, password: Secret, serveraddress: server }
}
