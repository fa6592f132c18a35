import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test, vi } from 'vitest'
import type { Answer } from '../../testkit/built-server.ts'
import { distFile } from '../../testkit/dist.ts'
import { packumentOf } from '../../testkit/npm/registry.ts'
import { commitAll } from '../../testkit/project.ts'
import { describeOn } from '../harness/describe-on.ts'
import { type Deployment, deployment } from '../targets/npm/deployment.ts'
import { bench } from '../targets/npm/package-fixture.ts'

vi.setConfig({ testTimeout: 180_000 })

type Death = [string, (child: ChildProcess) => void]

const deaths: Death[] = [
  ['nobody reads its output any longer', (child) => child.stdout?.destroy()],
  ['its input ends', (child) => child.stdin?.end()],
  ['it gets SIGTERM, and again', (child) => void [child.kill('SIGTERM'), child.kill('SIGTERM')]],
  ['it gets SIGINT', (child) => void child.kill('SIGINT')],
  ['its terminal hangs up', (child) => void [child.stderr?.destroy(), child.kill('SIGHUP')]]
]

describeOn('npm', 'a process that loses its host in the middle of a switch', (backend) => {
  const project = bench(backend)
  const children: ChildProcess[] = []
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await project.cleanUp()
  })

  const start = (it: Deployment, program: string, ...args: string[]): ChildProcess => {
    const env = { ...it.made.env, POP_NPM_TOKEN: it.token, CLAUDE_PROJECT_DIR: it.made.dir }
    const child = spawn(process.execPath, [distFile(program), ...args], { cwd: it.made.dir, env })
    children.push(child)
    return child
  }

  /** Holds the request that moves the tag until it is let go. */
  const heldCure = async (it: Deployment) => {
    const events = new EventEmitter()
    const [began, released] = [once(events, 'began'), once(events, 'go')]
    await it.fault(async ({ method, path }) => {
      if (method !== 'PUT' || !path.includes('dist-tags')) return undefined
      events.emit('began')
      await released
      return undefined
    })
    return { began, go: () => void events.emit('go') }
  }

  const ending = async ({ made }: Deployment): Promise<string> => {
    const folder = join(made.dir, '.claude/popkit/rollbacks')
    const [journal] = (await readdir(folder)).filter((name) => name.endsWith('.jsonl'))
    const lines = (await readFile(join(folder, journal ?? ''), 'utf8')).trim().split('\n')
    return JSON.parse(lines.at(-1) ?? '{}').outcome
  }
  const latest = async ({ made }: Deployment) => (await packumentOf(backend.url ?? '', made.name)).tags.latest

  test.each(deaths)('the server goes on to the end of the rollback, and then ends, when %s', async (_, die) => {
    const it = await deployment(project, [])
    const { began, go } = await heldCure(it)
    const child = start(it, 'server.mjs')
    const call = asHost(child)
    const { plan } = await call('assess_rollback', {})
    void call('execute_rollback', { target: 'npm', version: plan.version, plan_id: plan.id })
    await began
    const exit = once(child, 'exit')
    die(child)
    go()
    expect(await exit).toEqual([0, null])
    expect(await ending(it)).toBe('succeeded')
    expect(await latest(it)).toBe('1.1.0')
  })

  test('the command line goes on when its terminal hangs up', async () => {
    const it = await deployment(project, [])
    const { began, go } = await heldCure(it)
    const deployFile = join(it.made.dir, '.claude/popkit/deploy.json')
    const content = JSON.parse(await readFile(deployFile, 'utf8'))
    content.targets.npm.automatic = true
    await writeFile(deployFile, JSON.stringify(content))
    await commitAll(it.made.dir)
    const child = start(it, 'cli.mjs', 'rollback', '--auto')
    await began
    const exit = once(child, 'exit')
    child.stderr?.destroy()
    child.stdout?.destroy()
    child.kill('SIGHUP')
    go()
    expect(await exit).toEqual([0, null])
    expect(await ending(it)).toBe('succeeded')
    expect(await latest(it)).toBe('1.1.0')
  })

  /** Speaks the protocol by hand, so that the ends of the pipes can be closed one by one. */
  function asHost(child: ChildProcess): (tool: string, args: object) => Promise<Answer> {
    const { stdin, stdout } = child
    if (!stdin || !stdout) throw new Error('no pipes')
    const waiting = new Map<number, (result: { structuredContent: Answer }) => void>()
    createInterface({ input: stdout }).on('line', (line) => {
      const { id, result } = JSON.parse(line)
      waiting.get(id)?.(result)
    })
    stdin.on('error', () => undefined)
    const send = (message: object): void => void stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
    const clientInfo = { name: 'claude-code', version: '2.1.199' }
    send({ id: 0, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } })
    send({ method: 'notifications/initialized' })
    let last = 0
    return async (name, args) => {
      const id = ++last
      const answered = new Promise<{ structuredContent: Answer }>((resolve) => waiting.set(id, resolve))
      send({ id, method: 'tools/call', params: { name, arguments: args, _meta: { progressToken: id } } })
      return (await answered).structuredContent
    }
  }
})
