import { runProgram } from '../../support/run-program.ts'

/** The first line that a program prints; null when it fails, is missing or takes longer than 5 s. */
export async function firstLine(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv
): Promise<string | null> {
  const { ok, stdout } = await runProgram(program, args, { cwd, env, limitMs: 5000, maxOutput: 65_536 })
  return (ok && stdout.split(/\r?\n/)[0]?.trim()) || null
}

/** The address of the project's git remote: that of the present branch, else origin, else the only one. */
export async function remoteAddress(projectDir: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const { GIT_DIR: _dir, GIT_WORK_TREE: _tree, ...rest } = env
  const git = (...args: string[]): Promise<string | null> =>
    firstLine('git', ['-c', 'core.fsmonitor=false', ...args], projectDir, {
      ...rest,
      GIT_TERMINAL_PROMPT: '0',
      LC_ALL: 'C'
    })
  const branch = await git('symbolic-ref', '--quiet', '--short', 'HEAD')
  const names = [branch && (await git('config', '--get', `branch.${branch}.remote`)), 'origin', await git('remote')]
  for (const name of names) {
    if (!name || name.startsWith('-')) continue
    const address = await git('remote', 'get-url', '--', name)
    if (address) return address
  }
  return null
}
