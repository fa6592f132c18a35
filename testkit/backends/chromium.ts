import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Backend } from './backend.ts'

const script = fileURLToPath(new URL('../../test/backends/chromium.sh', import.meta.url))

/** A browser that draws what a forge draws of a report. */
const chromium: Backend = {
  name: 'chromium',
  async bring() {
    try {
      const { stdout } = await promisify(execFile)(script, ['path'])
      return { env: { program: stdout.trim() } }
    } catch (error) {
      return { missing: String((error as { stderr?: string }).stderr || error).trim() }
    }
  }
}

export default chromium
