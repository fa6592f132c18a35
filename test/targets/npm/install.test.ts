import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openContext } from '../../../src/targets/npm/context.ts'
import { installByTag } from '../../../src/targets/npm/install.ts'
import { targetContext } from '../../../testkit/target-context.ts'

/** Stands for an npm of any age: tells what it was given, tries to start a program in every way, and fails as told. */
const npm = `#!/usr/bin/env node
const fs = require('node:fs'), programs = require('node:child_process')
const tries = ['spawn', 'exec', 'execFile', 'fork', 'spawnSync', 'execSync', 'execFileSync']
const started = tries.filter((name) => { try { programs[name](process.execPath, ['-v']); return true } catch { return false } })
const option = (name) => process.argv.find((one) => one.startsWith('--' + name + '=')).split('=').slice(1).join('=')
const told = { env: process.env, argv: process.argv.slice(2), npmrc: fs.readFileSync(option('userconfig'), 'utf8'), started }
fs.appendFileSync(__dirname + '/told', JSON.stringify(told) + '\\n')
console.log(JSON.stringify({ error: JSON.parse(fs.readFileSync(__dirname + '/error', 'utf8')) }))
process.exitCode = 1
`

interface Told {
  env: Record<string, string>
  argv: string[]
  npmrc: string
  started: string[]
}

describe('the installation of a package that may be hostile', () => {
  let root = ''
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'pop-install-'))
    for (const folder of ['bin', 'project']) await mkdir(join(root, folder))
    await writeFile(join(root, 'bin/npm'), npm)
    await chmod(join(root, 'bin/npm'), 0o755)
    await writeFile(join(root, 'project/package.json'), JSON.stringify({ name: 'left' }))
    await writeFile(join(root, 'user-npmrc'), 'registry=https://one.example/\n//one.example/:_authToken=abc-token\n')
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  const install = async (error: Record<string, string>, env: NodeJS.ProcessEnv = {}) => {
    await writeFile(join(root, 'bin/error'), JSON.stringify(error))
    const given = targetContext({
      name: 'npm',
      projectDir: join(root, 'project'),
      env: {
        PATH: [join(root, 'project'), join(root, 'bin'), dirname(process.execPath)].join(delimiter),
        HOME: root,
        npm_config_userconfig: join(root, 'user-npmrc'),
        npm_config_globalconfig: join(root, 'none'),
        ...env
      }
    })
    const installed = await installByTag(await openContext({ ...given, config: {} }), AbortSignal.timeout(50_000))
    const lines = (await readFile(join(root, 'bin/told'), 'utf8')).trim().split('\n')
    return { installed, told: lines.map((line): Told => JSON.parse(line)) }
  }

  test('gets proxies and an npmrc of its own, no token or setting of this process, and may start no program', async () => {
    const secrets = {
      AWS_SECRET_ACCESS_KEY: 'x',
      NPM_TOKEN: 'x',
      npm_config_script_shell: 'x',
      NODE_OPTIONS: '--inspect'
    }
    const { told } = await install({ code: 'ENOENT' }, { ...secrets, HTTPS_PROXY: 'http://proxy.example:1' })
    expect(told).toHaveLength(1)
    const [{ env, argv, npmrc, started }] = told as [Told]
    expect(started).toEqual([])
    expect(env).toMatchObject({ HTTPS_PROXY: 'http://proxy.example:1', HOME: expect.stringMatching(/pop-npm-/) })
    expect(env.NODE_OPTIONS).not.toContain('inspect')
    for (const name of ['AWS_SECRET_ACCESS_KEY', 'NPM_TOKEN', 'npm_config_script_shell', 'npm_config_userconfig'])
      expect(env).not.toHaveProperty(name)
    expect(env.PATH).not.toContain(join(root, 'project'))
    expect(argv).toEqual(
      expect.arrayContaining(['--ignore-scripts', '--allow-git=none', '--registry=https://one.example/'])
    )
    expect(npmrc).toMatch(/^registry="https:\/\/one.example\/"$/m)
    expect(npmrc).not.toContain('abc-token')
  })

  test('gets the login of the registry, and no other, only after the registry refused without', async () => {
    const { told } = await install({ code: 'E401', summary: 'left: log in' })
    expect(told.map(({ npmrc }) => /_authToken="(.*)"/.exec(npmrc)?.[1])).toEqual([undefined, 'abc-token'])
    await writeFile(join(root, 'project/.npmrc'), 'registry=https://two.example/\n')
    expect((await install({ code: 'E401' })).told.slice(2)).toHaveLength(1)
  })

  test('what needs git is said as left out, and is no failure of the version', async () => {
    const { installed } = await install({
      code: 'EALLOWGIT',
      summary: 'left',
      detail: 'Refusing to fetch "evil@git+ssh"'
    })
    expect(installed).toEqual({ state: 'unknown', detail: expect.stringMatching(/git or a local folder.*evil@git/) })
  })
})
