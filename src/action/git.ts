import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const mebibyte = 1024 * 1024

/** Runs git with these arguments and gives what it printed. @throws Error with what git said. */
export type Git = (...args: string[]) => Promise<string>

/** git in a folder, with variables of its own beside the runner's; it never asks for a login. */
export const gitIn =
  (cwd: string, variables: Record<string, string> = {}): Git =>
  async (...args) => {
    const env = { ...process.env, GIT_TERMINAL_PROMPT: '0', ...variables }
    const { stdout } = await run('git', args, { cwd, env, maxBuffer: 64 * mebibyte, timeout: 120_000 }).catch(
      (error: { stderr?: string; message: string }) => {
        throw new Error(`git ${args[0]} failed: ${error.stderr?.trim() || error.message}`)
      }
    )
    return stdout.trim()
  }
