import { z } from 'zod'
import { fromPlugin, fromVariable, readOwnFile, type TokenSource } from '../../http/credentials.ts'
import type { Clock } from '../../support/clock.ts'

const loginSchema = z.looseObject({
  token: z.string().min(1),
  /** Seconds since 1970; tokens of `vercel login` are valid for some hours, and only that program renews them. */
  expiresAt: z.number().nullish()
})

type Login = z.infer<typeof loginSchema>

/** The plugin's configuration, the variable that Vercel's own program reads, then that program's login while it is valid. */
export const tokenSources = (env: NodeJS.ProcessEnv, clock: Clock): TokenSource[] => [
  fromPlugin(env, 'vercel'),
  fromVariable(env, 'VERCEL_TOKEN'),
  {
    name: 'the login of the vercel program',
    async read() {
      const login = await readLogin(env)
      return login && !hasExpired(login, clock) ? login.token : null
    }
  }
]

/** How to provide a token where there is none, or only one that has expired. */
export async function howToLogIn(env: NodeJS.ProcessEnv, clock: Clock): Promise<string> {
  const create = 'create a token at vercel.com/account/tokens and set VERCEL_TOKEN.'
  const login = await readLogin(env)
  if (login && hasExpired(login, clock))
    return `The login of the vercel program has expired: renew it with \`vercel whoami\`, or ${create}`
  return `${create[0]?.toUpperCase()}${create.slice(1)} A login that the vercel program keeps in the system's keyring is not read.`
}

const hasExpired = ({ expiresAt }: Login, clock: Clock): boolean =>
  expiresAt != null && expiresAt * 1000 <= clock.now().getTime()

/** `auth.json` in the data folder that Vercel's program has on each system. */
const readLogin = (env: NodeJS.ProcessEnv): Promise<Login | null> =>
  readOwnFile(
    env,
    [
      { variable: 'XDG_DATA_HOME', folder: '.local/share', path: 'com.vercel.cli/auth.json' },
      { folder: 'Library/Application Support', path: 'com.vercel.cli/auth.json' },
      { variable: 'APPDATA', folder: 'AppData/Roaming', path: 'com.vercel.cli/Data/auth.json' }
    ],
    loginSchema
  )
