import { z } from 'zod'
import { fromPlugin, fromVariable, readOwnFile, type TokenSource } from '../../http/credentials.ts'

const loginSchema = z.looseObject({
  userId: z.string(),
  users: z.record(z.string(), z.looseObject({ auth: z.looseObject({ token: z.string().optional() }).optional() }))
})

/** The plugin's configuration, the variable that Netlify's own program reads, then that program's login. */
export const tokenSources = (env: NodeJS.ProcessEnv): TokenSource[] => [
  fromPlugin(env, 'netlify'),
  fromVariable(env, 'NETLIFY_AUTH_TOKEN'),
  { name: 'the login of the netlify program', read: () => loginToken(env) }
]

/** `config.json` of netlify-cli, in the folder that env-paths gives it on each system. */
async function loginToken(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const paths = [
    { variable: 'XDG_CONFIG_HOME', folder: '.config', path: 'netlify/config.json' },
    { folder: 'Library/Preferences', path: 'netlify/config.json' },
    { variable: 'APPDATA', folder: 'AppData/Roaming', path: 'netlify/Config/config.json' }
  ]
  const login = await readOwnFile(env, paths, loginSchema)
  return login?.users[login.userId]?.auth?.token
}
