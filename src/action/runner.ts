import { randomUUID } from 'node:crypto'
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommandAnswer } from './command-line.ts'

/** Writes the outputs of the step, and the page that the runner shows for it: the summary, and the incident report if there is one. */
export async function report(
  answer: CommandAnswer,
  exitCode: number,
  projectDir: string,
  env: NodeJS.ProcessEnv
): Promise<void> {
  const { summary = '', outcome = '', incident = '' } = answer
  const version = answer.to?.version ?? answer.version ?? ''
  const outputs = { 'exit-code': String(exitCode), outcome, version, report: incident, summary }
  const lines = Object.entries(outputs).map(([name, value]) => output(name, value))
  if (env.GITHUB_OUTPUT) await appendFile(env.GITHUB_OUTPUT, lines.join(''))
  if (!env.GITHUB_STEP_SUMMARY) return
  const written = incident ? await readFile(join(projectDir, incident), 'utf8').catch(() => '') : ''
  await appendFile(env.GITHUB_STEP_SUMMARY, `${fenced(summary)}\n${written}`)
}

/** Shows an error at the step. The runner reads a command to the end of its line, with these characters escaped. */
export function printError(message: string): void {
  console.log(`::error::${message.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A')}`)
}

/** With a delimiter that no value can know, as GitHub's documentation of multiline outputs asks for. */
function output(name: string, value: string): string {
  const end = randomUUID()
  return `${name}<<${end}\n${value}\n${end}\n`
}

/** In a fence that nothing in it can close. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${text}\n${fence}\n`
}
