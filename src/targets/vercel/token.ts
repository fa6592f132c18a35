import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fromPlugin, fromVariable, type TokenSource } from '../http/credentials.ts'

/** The plugin's configuration, the variable that Vercel's own program reads, then that program's login. */
export const tokenSources = (env: NodeJS.ProcessEnv): TokenSource[] => [
  fromPlugin(env, 'vercel'),
  fromVariable(env, 'VERCEL_TOKEN'),
  { name: 'the login of the vercel program', read: () => loginToken(env) }
]

/** `auth.json` in the data folder that Vercel's program has on each system. */
async function loginToken(env: NodeJS.ProcessEnv): Promise<string | null> {
  const home = env.HOME || homedir()
  const folders = [
    join(env.XDG_DATA_HOME || join(home, '.local/share'), 'com.vercel.cli'),
    join(home, 'Library/Application Support/com.vercel.cli'),
    join(env.APPDATA || join(home, 'AppData/Roaming'), 'com.vercel.cli/Data')
  ]
  for (const folder of folders) {
    try {
      const { token } = JSON.parse(await readFile(join(folder, 'auth.json'), 'utf8')) as { token?: unknown }
      if (typeof token === 'string' && token) return token
    } catch {
      // not there, or of another shape: the next folder
    }
  }
  return null
}
