import { execFile } from 'node:child_process'
import { distFile } from '../../testkit/dist.ts'

const program = distFile('cli.mjs')

export interface CommandResult {
  code: number
  stdout: string
  stderr: string
}

/** Runs the built command in a project, without a terminal and without the host that the tests may run under. */
export function commandLine(args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { cwd, env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
    })
  })
}

/** For the shell that `script` starts. It gives way to the program: dash would answer Ctrl-C as well, with its own exit code. */
const shellCommand = (args: string[]): string =>
  `exec ${[process.execPath, program, ...args].map((word) => `'${word}'`).join(' ')}`

/** The same on a pseudo-terminal of util-linux's `script`, with answers typed in advance. */
export function onTerminal(args: string[], cwd: string, env: NodeJS.ProcessEnv, typed: string): Promise<CommandResult> {
  const command = shellCommand(args)
  return new Promise((resolve) => {
    const child = execFile(
      'script',
      ['--quiet', '--return', '--command', command, '/dev/null'],
      { cwd, env },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
      }
    )
    child.stdin?.end(typed)
  })
}

/** The answer of a person who reads the question and confirms. */
export const confirming: Answer = [/Type (\d{4}) to confirm: /, '$1\n']

/** What is typed, $1 being what the question shows there. */
export type Answer = [question: RegExp | string, keys: string]

/** The same with each answer typed once its question is on the screen, which has no width where `columns` does not give it one. */
export function answering(
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  answers: Answer[],
  columns?: number
): Promise<CommandResult> {
  const size = columns === undefined ? '' : `stty columns ${columns} rows 40; `
  const command = size + shellCommand(args)
  const left = [...answers]
  return new Promise((resolve) => {
    const words = ['--quiet', '--return', '--command', command, '/dev/null']
    const child = execFile('script', words, { cwd, env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
    })
    let shown = ''
    child.stdout?.on('data', (text: string) => {
      shown += text
      const [question, keys] = left[0] ?? []
      const at = question === undefined ? -1 : shown.search(question)
      const [asked = '', word = ''] = (at >= 0 && question && shown.match(question)) || []
      if (at < 0) return
      left.shift()
      shown = shown.slice(at + asked.length)
      child.stdin?.write((keys ?? '').replace('$1', word))
    })
  })
}
