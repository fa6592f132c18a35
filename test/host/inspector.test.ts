import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import { type NpmProject, npmProject } from '../../testkit/npm/package-project.ts'
import { describeOn } from '../harness/describe-on.ts'
import type { Data } from './agent.ts'
import { hostEnv } from './claude-code.ts'

const run = promisify(execFile)
const dist = join(import.meta.dirname, '../../dist')

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describeOn('host', "MCP Inspector's command line", ({ node = '', inspector = '' }) => {
  let project: NpmProject
  beforeEach(async () => {
    project = await npmProject(inject('backends').npm ?? {})
  })
  afterEach(() => project.remove())

  /** One method of the server, called by the inspector; it exits with 1 where a tool answers with an error. */
  async function inspect(method: string, args: string[] = [], server = [join(dist, 'server.mjs')]): Promise<Data> {
    const own = Object.entries(project.env).flatMap(([name, value]) => ['-e', `${name}=${value}`])
    const command = [inspector, '--cli', node, ...server, '--cwd', project.dir, ...own, '--method', method, ...args]
    const env = hostEnv(project.dir, '')
    const { stdout } = await run(node, command, { env }).catch((error: { stdout: string }) => error)
    return JSON.parse(stdout) as Data
  }
  const call = async (tool: string, args: Record<string, string> = {}): Promise<Data> => {
    const pairs = Object.entries(args).flatMap(([name, value]) => ['--tool-arg', `${name}=${value}`])
    const { content, structuredContent, isError = false } = await inspect('tools/call', ['--tool-name', tool, ...pairs])
    expect(content[0].text).toBe(structuredContent.summary)
    return { ...structuredContent, isError }
  }

  test.each([
    ['the server', ['server.mjs']],
    ['the command that serves', ['cli.mjs', 'serve']]
  ])('lists the four tools of %s', async (_, [file = '', ...args]) => {
    const { tools } = await inspect('tools/list', [], [join(dist, file), ...args])
    expect(tools.map(({ name }: Data) => name)).toEqual([
      'assess_rollback',
      'execute_rollback',
      'verify_rollback',
      'write_incident'
    ])
  })

  test('calls every tool; where nobody can be asked, an execution is refused', async () => {
    const { plan } = await call('assess_rollback')
    const execution = { target: 'npm', version: plan.version, plan_id: plan.id }
    expect(await call('execute_rollback', { ...execution, dry_run: 'true' })).toMatchObject({ outcome: 'checked' })
    expect(await call('execute_rollback', execution)).toMatchObject({ isError: true, ok: false })
    expect(await project.latest()).toBe('1.2.0')
    expect(await call('verify_rollback', { target: 'npm' })).toMatchObject({ version: '1.2.0' })
    expect(await call('write_incident', { target: 'npm' })).toMatchObject({
      ok: true,
      path: expect.stringContaining('incident-')
    })
  })
})
