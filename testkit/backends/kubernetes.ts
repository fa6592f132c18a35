import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Backend } from './backend.ts'

const script = fileURLToPath(new URL('../../test/backends/kubernetes.sh', import.meta.url))
const run = promisify(execFile)

const authorityKey = 'the key of its authority, which signs client certificates'
const forRoot = process.getuid?.() === 0 ? [] : ['root, which lays out the files of a pod']

/**
 * A cluster: the one that `KUBECONFIG` names where `POP_TEST_KUBERNETES=1` says that tests may use it, else our own of one node.
 * Tests make namespaces of their own and remove them.
 */
const kubernetes: Backend = {
  name: 'kubernetes',
  async bring() {
    if (!existsSync('/bin/busybox')) return { missing: 'busybox-static is not installed, and images are made of it' }
    try {
      await run('kubectl', ['version', '--client'])
      const named = process.env.POP_TEST_KUBERNETES === '1' ? process.env.KUBECONFIG : undefined
      if (named) {
        await run('kubectl', ['--kubeconfig', named, 'get', '--raw', '/readyz'])
        return { env: { kubeconfig: named }, without: [authorityKey, ...forRoot] }
      }
      const { stdout } = await run(script, ['up'])
      return { env: { kubeconfig: stdout.trim().replace('kubeconfig=', '') }, without: forRoot }
    } catch (error) {
      return { missing: String((error as { stderr?: string }).stderr || error).trim() }
    }
  }
}

export default kubernetes
