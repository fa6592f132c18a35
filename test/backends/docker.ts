import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Backend } from './backend.ts'

const script = fileURLToPath(new URL('docker.sh', import.meta.url))

/** A Docker engine that answers here, with a private registry and, where installed, Compose v2. */
const docker: Backend = {
  name: 'docker',
  async bring() {
    if (!existsSync('/bin/busybox')) return { missing: 'busybox-static is not installed, and images are made of it' }
    try {
      const { stdout } = await promisify(execFile)(script, ['up'])
      const env = Object.fromEntries(
        stdout.split('\n').flatMap((line) => {
          const equals = line.indexOf('=')
          return equals > 0 ? [[line.slice(0, equals), line.slice(equals + 1)]] : []
        })
      )
      return env.registry ? { env } : { missing: 'no private registry answers and docker-registry is not installed' }
    } catch (error) {
      return { missing: String((error as { stderr?: string }).stderr ?? error).trim() }
    }
  }
}

export default docker
