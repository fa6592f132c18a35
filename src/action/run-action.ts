import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommandLine } from './command-line.ts'
import { fetchHistory, type HistoryBranch, pushHistory } from './history-branch.ts'
import { type Inputs, InvalidInput, inputsOf } from './inputs.ts'
import { printError, report } from './runner.ts'

/**
 * The action's first step: puts the history into the project, runs the command, and writes outputs and summary of the step.
 * @param env the variables of the runner, and the inputs of action.yml as `INPUT_…`.
 * @returns the exit code of the command; 3 for an invalid input or a history that cannot be fetched, when nothing was run.
 */
export async function runCommand(env: NodeJS.ProcessEnv): Promise<number> {
  try {
    const inputs = inputsOf(env)
    const { mode, command, idle, projectDir } = inputs
    if (!command) {
      console.log(`Nothing to ${mode}: ${idle}.`)
      return 0
    }
    const branch = await branchOf(inputs, env)
    if (branch) await fetchHistory(branch)
    const { exitCode, answer } = await runCommandLine(command, projectDir, env)
    await report(answer, exitCode, projectDir, env)
    return exitCode
  } catch (error) {
    const what = error instanceof InvalidInput ? 'Invalid input of the action' : 'The command was not run'
    printError(`${what}: ${messageOf(error)}`)
    return 3
  }
}

/**
 * The action's last step, also after a failure or a cancellation: keeps the history on its branch, if the first step fetched it.
 * @returns 4 when it could not be kept.
 */
export async function keepHistory(env: NodeJS.ProcessEnv): Promise<number> {
  try {
    await pushHistory(folderIn(env))
    return 0
  } catch (error) {
    const next = 'Give the job "contents: write", deploy one at a time ("concurrency"), and run it again.'
    printError(`The history of deployments was not kept: ${messageOf(error)}. ${next}`)
    return 4
  }
}

async function branchOf({ mode, projectDir, branch }: Inputs, env: NodeJS.ProcessEnv): Promise<HistoryBranch | null> {
  const popkit = join(projectDir, '.claude/popkit')
  await readFile(join(popkit, 'deploy.json')).catch(() => {
    throw new Error(
      `there is no .claude/popkit/deploy.json in ${projectDir}. Run \`pop-deploy-rollback init\` there and commit it`
    )
  })
  const message = `${mode} ${env.GITHUB_REF_NAME ?? ''}`.trim()
  return branch ? { projectDir, popkit, name: branch, message, folder: folderIn(env) } : null
}

const folderIn = (env: NodeJS.ProcessEnv): string => join(env.RUNNER_TEMP ?? tmpdir(), 'pop-deploy-history')

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
