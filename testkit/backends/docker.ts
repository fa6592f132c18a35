import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Backend } from './backend.ts'

/** An engine besides the one that tests share needs root and the daemon's program. */
export const canStartEngine = (): boolean => {
  try {
    return process.getuid?.() === 0 && execFileSync('sh', ['-c', 'command -v dockerd']).length > 0
  } catch {
    return false
  }
}

/** What a script of test/backends prints when it is told `up`: lines of name=value. */
export async function linesOfUp(script: string): Promise<Record<string, string>> {
  const file = fileURLToPath(new URL(`../../test/backends/${script}`, import.meta.url))
  const { stdout } = await promisify(execFile)(file, ['up'])
  return Object.fromEntries(
    stdout.split('\n').flatMap((line) => {
      const equals = line.indexOf('=')
      return equals > 0 ? [[line.slice(0, equals), line.slice(equals + 1)]] : []
    })
  )
}

/** Why a script failed, in its own words. */
export const whyMissing = (error: unknown): { missing: string } => ({
  missing: String((error as { stderr?: string }).stderr ?? error).trim()
})

/** A Docker engine that answers here, with a private registry and, where installed, Compose v2. */
const docker: Backend = {
  name: 'docker',
  async bring() {
    if (!existsSync('/bin/busybox')) return { missing: 'busybox-static is not installed, and images are made of it' }
    try {
      const env = await linesOfUp('docker.sh')
      const without = [
        ...(env.compose ? [] : ['Docker Compose v2']),
        ...(env.nginx ? [] : ['nginx']),
        ...(canStartEngine() ? [] : ['engines of its own, which take root and dockerd'])
      ]
      return env.registry
        ? { env, without }
        : { missing: 'no private registry answers and docker-registry is not installed' }
    } catch (error) {
      return whyMissing(error)
    }
  }
}

export default docker
