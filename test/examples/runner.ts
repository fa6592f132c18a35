import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'yaml'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

interface Step {
  id?: string
  if?: string
  uses?: string
  run?: string
  with?: Record<string, string | number>
  env?: Record<string, string>
}

interface Context {
  inputs: Record<string, string>
  steps: Record<string, { outcome: string; outputs: Record<string, string> }>
  failed: boolean
}

export interface RunnerResult {
  /** By `id`: how the step ended, and its outputs. */
  steps: Context['steps']
  failed: boolean
  log: string
  /** The page that the steps wrote. */
  summary: string
}

/**
 * Runs the steps of a job as GitHub's runner does: expressions, conditions, variables of the runner, files for outputs and summary. A step
 * that uses this repository runs the steps of its action.yml; other actions are skipped.
 * @param machine an empty folder.
 */
export async function runJob(
  steps: Step[],
  workspace: string,
  machine: string,
  env: Record<string, string>
): Promise<RunnerResult> {
  await mkdir(join(machine, 'temp'), { recursive: true })
  const summaryFile = join(machine, 'summary')
  await writeFile(summaryFile, '')
  const variables = {
    ...env,
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: workspace,
    GITHUB_STEP_SUMMARY: summaryFile,
    RUNNER_TEMP: join(machine, 'temp')
  }
  const runner = { workspace, machine, variables, log: '', count: 0 }
  const context = await runSteps(runner, steps, {})
  return { ...context, log: runner.log, summary: await readFile(summaryFile, 'utf8') }
}

interface Runner {
  workspace: string
  machine: string
  variables: Record<string, string>
  log: string
  count: number
}

async function runSteps(runner: Runner, steps: Step[], inputs: Record<string, string>): Promise<Context> {
  const context: Context = { inputs, steps: {}, failed: false }
  for (const step of steps) {
    const ran = isDue(step.if, context) ? await runStep(runner, step, context) : { outcome: 'skipped', outputs: {} }
    if (step.id) context.steps[step.id] = ran
    if (ran.outcome === 'failure') context.failed = true
  }
  return context
}

async function runStep(runner: Runner, step: Step, context: Context): Promise<Context['steps'][string]> {
  if (step.uses) return step.uses.includes('/pop-deploy-rollback@') ? useAction(runner, step, context) : passed
  const outputFile = join(runner.machine, `output-${runner.count++}`)
  const script = join(runner.machine, `script-${runner.count}.sh`)
  await writeFile(outputFile, '')
  await writeFile(script, step.run ?? '')
  const env = { ...runner.variables, ...texts(step.env, context), GITHUB_OUTPUT: outputFile, GITHUB_ACTION_PATH: root }
  const outcome = await run('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], {
    cwd: runner.workspace,
    env
  }).then(
    ({ stdout, stderr }) => {
      runner.log += stdout + stderr
      return 'success'
    },
    (error: { stdout: string; stderr: string }) => {
      runner.log += error.stdout + error.stderr
      return 'failure'
    }
  )
  return { outcome, outputs: outputsIn(await readFile(outputFile, 'utf8')) }
}

const passed = { outcome: 'success', outputs: {} }

async function useAction(runner: Runner, step: Step, context: Context): Promise<Context['steps'][string]> {
  const action = parse(await readFile(join(root, 'action.yml'), 'utf8')) as {
    inputs: Record<string, { default?: string }>
    outputs: Record<string, { value: string }>
    runs: { steps: Step[] }
  }
  const given = texts(step.with, context)
  const odd = Object.keys(given).filter((name) => !(name in action.inputs))
  if (odd.length > 0) throw new Error(`action.yml has no input ${odd}`)
  const defaults = Object.entries(action.inputs).map(([name, input]) => [name, input.default ?? ''])
  const ended = await runSteps(runner, action.runs.steps, { ...Object.fromEntries(defaults), ...given })
  const values = Object.fromEntries(Object.entries(action.outputs).map(([name, { value }]) => [name, value]))
  return { outcome: ended.failed ? 'failure' : 'success', outputs: texts(values, ended) }
}

/** `name=value` lines and multiline values with a delimiter, as the runner reads them. */
function outputsIn(text: string): Record<string, string> {
  const outputs: Record<string, string> = {}
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const [, name = '', delimiter] = /^([\w-]+)<<(.+)$/.exec(lines[at] ?? '') ?? []
    if (!delimiter) continue
    const end = lines.indexOf(delimiter, at)
    outputs[name] = lines.slice(at + 1, end).join('\n')
    at = end
  }
  return outputs
}

/** A step without a condition on the job's state runs only while nothing failed. */
function isDue(condition: string | undefined, context: Context): boolean {
  const text = (condition ?? 'success()').replace(/^\$\{\{|\}\}$/g, '')
  const whole = /\b(always|success|failure|cancelled)\(\)/.test(text) ? text : `success() && (${text})`
  return Boolean(evaluated(whole, context))
}

const texts = (values: Record<string, string | number> | undefined, context: Context): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values ?? {}).map(([name, text]) => [
      name,
      String(text).replace(/\$\{\{(.*?)\}\}/g, (_, expression: string) => String(evaluated(expression, context) ?? ''))
    ])
  )

/** GitHub's expressions, as far as action.yml and the example use them: they are JavaScript but for names with dashes. */
function evaluated(expression: string, { inputs, steps, failed }: Context): unknown {
  const known = {
    inputs,
    steps,
    always: () => true,
    success: () => !failed,
    failure: () => failed,
    cancelled: () => false
  }
  const source = expression
    .replace(/\.([a-z]+(?:-[a-z]+)+)/g, '["$1"]')
    .replace(/\.(\w+)|\[/g, (part) => `?.${part === '[' ? '[' : part.slice(1)}`)
  return new Function(...Object.keys(known), `return (${source})`)(...Object.values(known))
}
