import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Backend } from './backend.ts'
import kubernetes from './kubernetes.ts'

const script = fileURLToPath(new URL('../../test/backends/helm.sh', import.meta.url))

/** The real helm, and the cluster of the kubernetes backend for it. */
const helm: Backend = {
  name: 'helm',
  async bring() {
    const cluster = await kubernetes.bring()
    if ('missing' in cluster) return cluster
    try {
      const { stdout } = await promisify(execFile)(script, ['path'])
      return { env: { ...cluster.env, folder: stdout.trim() } }
    } catch (error) {
      return { missing: String((error as { stderr?: string }).stderr || error).trim() }
    }
  }
}

export default helm
