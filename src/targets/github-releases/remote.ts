import { execFile } from 'node:child_process'

const withinMs = 5000

/** Runs a program with an argument vector and gives the first line it prints; null when it fails, is missing or takes long. */
export function firstLine(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv
): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd, env, timeout: withinMs, maxBuffer: 65_536, windowsHide: true }, (error, stdout) =>
      resolve(error ? null : stdout.split(/\r?\n/)[0]?.trim() || null)
    )
  })
}

/** The address of the project's git remote: that of the present branch, else origin, else the only one. */
export async function remoteAddress(projectDir: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const quiet = { ...env, GIT_DIR: undefined, GIT_WORK_TREE: undefined, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }
  const git = (...args: string[]): Promise<string | null> =>
    firstLine('git', ['-c', 'core.fsmonitor=false', ...args], projectDir, quiet)
  const branch = await git('symbolic-ref', '--quiet', '--short', 'HEAD')
  const names = [branch && (await git('config', '--get', `branch.${branch}.remote`)), 'origin', await git('remote')]
  for (const name of names) {
    if (!name || name.startsWith('-')) continue
    const address = await git('remote', 'get-url', '--', name)
    if (address) return address
  }
  return null
}
