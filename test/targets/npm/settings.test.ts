import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMask } from '../../../src/support/mask.ts'
import { npmConfigSchema } from '../../../src/targets/npm/config.ts'
import { discoverNpm } from '../../../src/targets/npm/discover.ts'
import npm from '../../../src/targets/npm/index.ts'
import { openRegistry } from '../../../src/targets/npm/registry.ts'
import { settle } from '../../../src/targets/npm/settings.ts'
import { targetContext } from '../../../testkit/target-context.ts'

let dir = ''
const placeholder = '$'.concat('{SECRET_TOKEN}')
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pop-settings-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const manifest = (content: unknown) => writeFile(join(dir, 'package.json'), JSON.stringify(content))
const settled = (config: Record<string, unknown> = {}, env: NodeJS.ProcessEnv = {}, mask = createMask()) => {
  const quiet = {
    HOME: dir,
    npm_config_globalconfig: join(dir, 'global-npmrc'),
    npm_config_userconfig: join(dir, 'user-npmrc')
  }
  const context = targetContext({ name: 'npm', projectDir: dir, env: { ...quiet, ...env }, mask })
  return settle({ ...context, config: npmConfigSchema.parse(config) })
}

describe('npm settings', () => {
  test('the package comes from package.json, the registry from the npm configuration, the tag is latest', async () => {
    await manifest({ name: 'left', version: '1.0.0' })
    await writeFile(join(dir, '.npmrc'), 'registry=https://project.example/npm\n')
    expect(await settled()).toMatchObject({ name: 'left', tag: 'latest', registry: 'https://project.example/npm/' })
  })

  test('npmrc of project, user and the whole machine and the environment count, in the order of npm', async () => {
    await manifest({ name: 'left', version: '1.0.0' })
    const registry = async (env: NodeJS.ProcessEnv = {}) => (await settled({}, env)).registry
    expect(await registry()).toBe('https://registry.npmjs.org/')
    await writeFile(join(dir, 'global-npmrc'), 'registry=https://global.example/\n')
    expect(await registry()).toBe('https://global.example/')
    await writeFile(join(dir, 'user-npmrc'), 'registry=https://user.example/\n')
    expect(await registry()).toBe('https://user.example/')
    await writeFile(join(dir, '.npmrc'), 'registry=https://project.example/\n')
    expect(await registry()).toBe('https://project.example/')
    expect(await registry({ npm_config_registry: 'https://env.example/' })).toBe('https://env.example/')
  })

  test('a scope has its own registry, and config.registry wins over all', async () => {
    await manifest({ name: '@left/pad', version: '1.0.0', publishConfig: { registry: 'https://publish.example/' } })
    await writeFile(join(dir, '.npmrc'), '@left:registry=https://scope.example/\nregistry=https://other.example/\n')
    expect((await settled()).registry).toBe('https://publish.example/')
    await manifest({ name: '@left/pad', version: '1.0.0' })
    expect((await settled()).registry).toBe('https://scope.example/')
    expect((await settled({ registry: 'https://config.example' })).registry).toBe('https://config.example/')
  })

  test('a login is found by the registry it belongs to, and goes to no other', async () => {
    await manifest({ name: 'left', version: '1.0.0' })
    await writeFile(join(dir, 'user-npmrc'), `//one.example/:_authToken=${placeholder}\n`)
    const logged = async (registry: string) =>
      openRegistry(await settled({ registry }, { SECRET_TOKEN: 'abc' })).hasCredentials()
    expect(await logged('https://one.example/')).toBe(true)
    expect(await logged('https://two.example/')).toBe(false)
  })

  test('every credential is masked, and none stands in the registry address', async () => {
    await manifest({ name: 'left', version: '1.0.0' })
    const packed = Buffer.from('me:packed-password').toString('base64')
    const rc = [
      `//a.example/:_authToken=${placeholder}`,
      `//b.example/:_auth=${packed}`,
      '//c.example/:username=me',
      `//c.example/:_password=${Buffer.from('plain-password').toString('base64')}`,
      'proxy=http://me:proxy-password@proxy.example/'
    ]
    await writeFile(join(dir, '.npmrc'), rc.join('\n'))
    const mask = createMask()
    const settings = await settled(
      { registry: 'https://me:url-password@d.example/' },
      { SECRET_TOKEN: 'token-of-the-environment' },
      mask
    )
    expect(settings.registry).toBe('https://d.example/')
    expect(openRegistry(settings).hasCredentials()).toBe(true)
    for (const secret of [
      'token-of-the-environment',
      'packed-password',
      packed,
      'plain-password',
      'proxy-password',
      'url-password'
    ])
      expect(mask.text(`x ${secret} y`)).not.toContain(secret)
  })

  test('the environment that was given is not changed', async () => {
    await manifest({ name: 'left', version: '1.0.0' })
    const env = { HOME: dir, npm_config_userconfig: join(dir, 'none') }
    const before = { ...env }
    await settle({ ...targetContext({ name: 'npm', projectDir: dir, env }), config: {} })
    expect(env).toEqual(before)
  })

  test.each([
    [{ package: 'left; rm -rf ~' }, 'bad_package_name'],
    [{ package: '../../x' }, 'bad_package_name'],
    [{ package: '--registry' }, 'bad_package_name'],
    [{ package: 'a'.repeat(10_000) }, 'bad_package_name'],
    [{ package: 'left', tag: 'v1' }, 'bad_tag'],
    [{ package: 'left', tag: '--otp=1' }, 'bad_tag'],
    [{ package: 'left', tag: '../x' }, 'bad_tag'],
    [{ package: 'left', registry: 'file:///etc/passwd' }, 'bad_registry'],
    [{ package: 'left', registry: 'npm' }, 'bad_registry'],
    [{}, 'no_package']
  ])('refuses %j', async (config, code) => {
    await expect(settled(config)).rejects.toMatchObject({ code, fault: 'config' })
  })

  test('a package.json that is broken is named', async () => {
    await writeFile(join(dir, 'package.json'), '{"name": ')
    await expect(settled()).rejects.toMatchObject({ code: 'bad_manifest' })
  })
})

describe('npm versions', () => {
  test.each(['1.2.3', 'v1.2.3', '0.0.1-beta.2', '1.0.0+build.5', '10.20.30-rc-1'])('%s is one', (version) => {
    expect(npm.version.pattern.test(version)).toBe(true)
  })
  test.each([
    '1.1.0; rm -rf ~',
    '../../x',
    '--privileged',
    `1.1.0${'0'.repeat(10_000)}`,
    '1.1.0\u200b',
    'latest',
    '^1.0.0',
    '1.1',
    '1.1.0\n',
    ''
  ])('%j is none', (version) => {
    expect(npm.version.pattern.test(version)).toBe(false)
  })
})

describe('npm discovery', () => {
  const discover = () => discoverNpm(dir, {})

  test('finds a package.json that is not private', async () => {
    await manifest({ name: 'left', version: '1.0.0' })
    expect(await discover()).toMatchObject({ because: 'package.json names the package left' })
  })

  test('passes private, nameless, broken and missing ones by', async () => {
    expect(await discover()).toBeNull()
    await manifest({ name: 'left', version: '1.0.0', private: true })
    expect(await discover()).toBeNull()
    await manifest({ version: '1.0.0' })
    expect(await discover()).toBeNull()
    await writeFile(join(dir, 'package.json'), '{')
    expect(await discover()).toBeNull()
    await rm(join(dir, 'package.json'))
    await mkdir(join(dir, 'package.json'))
    expect(await discover()).toBeNull()
  })
})
