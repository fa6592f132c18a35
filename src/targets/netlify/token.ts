import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { fromPlugin, fromVariable, type TokenSource } from '../../http/credentials.ts'

const loginSchema = z.looseObject({
  userId: z.string().optional(),
  users: z
    .record(z.string(), z.looseObject({ auth: z.looseObject({ token: z.string().optional() }).optional() }))
    .optional()
})

/** The plugin's configuration, the variable that Netlify's own program reads, then that program's login. */
export const tokenSources = (env: NodeJS.ProcessEnv): TokenSource[] => [
  fromPlugin(env, 'netlify'),
  fromVariable(env, 'NETLIFY_AUTH_TOKEN'),
  { name: 'the login of the netlify program', read: () => loginToken(env) }
]

/** `config.json` of netlify-cli, in the folder that env-paths gives it on each system. */
async function loginToken(env: NodeJS.ProcessEnv): Promise<string | null> {
  const home = env.HOME || homedir()
  const folders = [
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'netlify'),
    join(home, 'Library/Preferences/netlify'),
    join(env.APPDATA || join(home, 'AppData/Roaming'), 'netlify/Config')
  ]
  for (const folder of folders) {
    try {
      const { userId = '', users = {} } = loginSchema.parse(
        JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))
      )
      const token = users[userId]?.auth?.token
      if (token) return token
    } catch {
      // Missing, or of another shape: the next folder.
    }
  }
  return null
}
