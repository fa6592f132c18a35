import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import { version as inProgram } from '../../src/version.ts'
import { npmProject } from '../../testkit/npm/package-project.ts'
import { describeOn } from '../harness/describe-on.ts'
import { use } from './agent.ts'
import { hostEnv, session } from './claude-code.ts'
import { type Script, shown } from './scripted-model.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const plugin = 'popkit-ops@pop-deploy-rollback'
const reviewedByHand = 256 * 1024
/** What an installed plugin holds at its top. */
const whatRuns = [
  '.claude-plugin',
  '.mcp.json',
  'LICENSE',
  'README.md',
  'THIRD-PARTY-LICENSES.txt',
  'action.mjs',
  'agents',
  'chunks',
  'cli.mjs',
  'commands',
  'hook.mjs',
  'hooks',
  'server.mjs',
  'skills'
]

/** What runs a program without any network, where this user may do that. */
const offline = (): Promise<string[]> =>
  run('/usr/bin/unshare', ['--net', 'true']).then(
    () => ['/usr/bin/unshare', '--net'],
    () => []
  )

/** The tokens in the environment of the server that was started from this folder. */
async function tokensOfServer(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (!command.startsWith(`node\0${folder}`) || !command.includes('server.mjs')) continue
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    return environment.split('\0').filter((variable) => variable.startsWith('POP_ROLLBACK_'))
  }
  return []
}

/** Every file that a clone of what lies here would have. */
async function files(): Promise<string[]> {
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root })
  return [...new Set(stdout.split('\n').filter(Boolean))]
}

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describeOn('host', 'the plugin', ({ claude = '', node = '' }) => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pop-plugin-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

  const claudeCode = async (args: string[], input = ''): Promise<string> => {
    const env = hostEnv(join(folder, 'home'), 'http://127.0.0.1:1')
    const running = run(claude, args, { cwd: folder, env })
    running.child.stdin?.end(input)
    return (await running).stdout
  }

  /** A clone as a user gets it: what git has, built, without any node_modules. */
  async function clone(): Promise<string> {
    const copy = join(folder, 'clone')
    const sources = (await files()).filter((file) => !file.startsWith('dist/'))
    for (const file of sources) await cp(join(root, file), join(copy, file))
    await cp(join(root, 'dist'), join(copy, 'dist'), { recursive: true })
    return copy
  }

  /** Where the host keeps the installed copy. */
  async function installedAt(): Promise<string> {
    const list = await readFile(join(folder, 'home/.claude/plugins/installed_plugins.json'), 'utf8')
    return JSON.parse(list).plugins[plugin][0].installPath
  }

  test.each([
    ['the repository', root],
    ['what a marketplace installs', join(root, 'dist')]
  ])('%s passes the check of the plugin directory without error or warning', async (_, place) => {
    const report = await claudeCode(['plugin', 'validate', '--strict', '--profile', 'directory', place])
    expect(report).toContain('Validation passed')
    expect(report).not.toMatch(/⚠|✘|warning/i)
  })

  test('installs from a marketplace into an empty home and is there in the next session, with its tokens', async () => {
    const copy = await clone()
    await claudeCode(['plugin', 'marketplace', 'add', copy])
    await claudeCode(['plugin', 'install', plugin])
    await claudeCode(
      ['plugin', 'configure', plugin, '--values-stdin'],
      JSON.stringify({ vercel_token: 'a-secret-word' })
    )
    let tokens: string[] = []
    const main: Script = function* () {
      yield { call: 'Skill', input: { skill: 'popkit-ops:pop-deploy-rollback' } }
      const { summary } = yield* use('assess_rollback')
      yield { say: summary }
    }
    const seen = await session({
      prompt: '/popkit-ops:deploy rollback --list',
      projectDir: folder,
      home: join(folder, 'home'),
      scripts: { main },
      person: () => false,
      more: { plugins: [] },
      async onMessage() {
        if (tokens.length === 0) tokens = await tokensOfServer(folder)
      }
    })
    const init = seen.messages.find(({ subtype }) => subtype === 'init')
    expect(init?.mcp_servers).toMatchObject([{ name: 'plugin:popkit-ops:rollback' }])
    expect(init?.slash_commands).toEqual(
      expect.arrayContaining(['popkit-ops:deploy', 'popkit-ops:pop-deploy-rollback'])
    )
    expect(init?.agents).toContain('popkit-ops:rollback-specialist')
    expect(seen.messages.at(-1)?.result).toContain('There is no target to look at')
    if (process.platform === 'linux') expect(tokens).toContain('POP_ROLLBACK_VERCEL_TOKEN=a-secret-word')
    expect(JSON.stringify([seen.requests, seen.messages])).not.toContain('a-secret-word')
  })

  test('an installed copy holds what runs and nothing else, and its hook speaks when a deployment fails', async () => {
    await claudeCode(['plugin', 'marketplace', 'add', await clone()])
    await claudeCode(['plugin', 'install', plugin])
    const copy = await installedAt()
    const installed = await readdir(copy, { recursive: true, withFileTypes: true })
    const names = installed.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
    const sizes = await Promise.all(names.map(async (file) => (await stat(file)).size))
    expect(names.length).toBeLessThan(120)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(3_000_000)
    const top = new Set(names.map((file) => relative(copy, file).split('/')[0]))
    expect([...top].sort()).toEqual(whatRuns)

    const project = await npmProject(inject('backends').npm ?? {})
    const main: Script = function* () {
      yield { call: 'Bash', input: { command: 'npm publish', description: 'Deploy' } }
      yield { say: 'Done.' }
    }
    const seen = await session({
      prompt: 'deploy',
      projectDir: project.dir,
      env: project.env,
      home: join(folder, 'home'),
      scripts: { main },
      person: () => true,
      more: { plugins: [] }
    })
    await project.remove()
    const request = seen.requests.at(-1)
    expect(request && shown(request)).toContain('the last good version of npm is 1.1.0')
  })

  test.each([
    ['the Node of these tests', () => process.execPath],
    ['Node 24', () => node]
  ])('starts from a bare clone with %s, without npm and network', async (_, program) => {
    const copy = await clone()
    const bin = join(folder, 'no-programs-here')
    const [command = '', ...args] = [...(await offline()), program(), join(copy, 'dist/server.mjs')]
    const transport = new StdioClientTransport({
      command,
      args,
      cwd: folder,
      env: { PATH: bin, HOME: folder }
    })
    const client = new Client({ name: 'test', version: '1' })
    await client.connect(transport)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual([
      'assess_rollback',
      'execute_rollback',
      'verify_rollback',
      'write_incident'
    ])
    await client.close()
  })

  test('holds nothing that a plugin directory reviews by hand, its sources and tests apart', async () => {
    const built = await readdir(join(root, 'dist'), { recursive: true, withFileTypes: true })
    const dist = built
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(root, join(parentPath, name)))
    const all = [...(await files()).filter((file) => !file.startsWith('dist/')), ...dist]
    expect(all.filter((file) => !/^(src|scripts|test|testkit|bench)\//.test(file)).length).toBeLessThanOrEqual(512)
    expect(all.filter((file) => file.startsWith('bin/'))).toEqual([])
    const sizes = await Promise.all(all.map(async (file) => [file, (await stat(join(root, file))).size] as const))
    expect(sizes.filter(([file, size]) => size > reviewedByHand && !file.endsWith('.png'))).toEqual([])
  })

  test('says the same version everywhere', async () => {
    const json = async (file: string) => JSON.parse(await readFile(join(root, file), 'utf8'))
    const { version, name, mcpName } = await json('package.json')
    const server = await json('server.json')
    expect(inProgram).toBe(version)
    expect((await json('.claude-plugin/plugin.json')).version).toBe(version)
    expect(server).toMatchObject({ version, name: mcpName, packages: [{ version, identifier: name }] })
    expect(server.description.length).toBeLessThanOrEqual(100)
  })
})
