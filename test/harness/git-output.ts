import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** What git prints in a folder, trimmed. */
export const gitOutput = async (dir: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)('git', ['-C', dir, ...args])).stdout.trim()
