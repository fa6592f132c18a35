import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMask } from '../../../src/support/mask.ts'
import { npmConfigSchema } from '../../../src/targets/npm/config.ts'
import { discoverNpm } from '../../../src/targets/npm/discover.ts'
import npm from '../../../src/targets/npm/index.ts'
import { findNpm } from '../../../src/targets/npm/npm-config.ts'
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

  describe('of a project that its user does not know', () => {
    const project = (...lines: string[]) => writeFile(join(dir, '.npmrc'), lines.join('\n'))
    const user = (...lines: string[]) => writeFile(join(dir, 'user-npmrc'), lines.join('\n'))
    beforeEach(() => manifest({ name: 'left', version: '1.0.0' }))

    test('the npmrc names registries only: no variables, logins, proxies or certificates', async () => {
      const ignored = [
        `//one.example/:_authToken=${placeholder}`,
        'proxy=http://evil.example/',
        'https-proxy=http://evil.example/',
        'strict-ssl=false',
        'cafile=./evil.pem',
        'otp=123456'
      ]
      await project('registry = "https://one.example"', ...ignored, `@x:registry=https://${placeholder}.example/`)
      const { options, logins, notes, registry, proxies } = await settled({}, { SECRET_TOKEN: 'abc' })
      expect(registry).toBe('https://one.example/')
      expect(logins.to(registry)).toEqual({})
      expect(options).toMatchObject({ strictSSL: true, otp: null })
      expect(options).not.toHaveProperty('@x:registry')
      expect(String(options.ca)).not.toContain('evil')
      expect(proxies).toEqual({ httpProxy: '', httpsProxy: '', noProxy: '' })
      expect(notes.join('\n')).toMatch(/No login was sent to one\.example: only the project names.*npm login/)
      expect(notes.join('\n')).toMatch(/ignored: \/\/one\.example\/:_authToken, proxy, .* and 2 more.*--location=user/)
    })

    test.each([
      [{ registry: 'https://deploy.example' }, {}],
      [{}, { publishConfig: { registry: 'https://deploy.example' } }]
    ])('a registry that %j %j names gets no token, certificate or password of the user', async (config, more) => {
      await manifest({ name: 'left', version: '1.0.0', ...more })
      await user('//one.example/:_authToken=abc', 'cert=CERT', 'key=KEY', 'otp=123456')
      const { logins, registry, notes } = await settled(config, { NPM_TOKEN: 'npm-token' })
      expect(logins.to(registry)).toEqual({})
      expect(notes.join('\n')).toMatch(/No login was sent to deploy\.example/)
      expect(logins.to('https://one.example/left')).toMatchObject({ token: 'abc' })
    })

    test('an address without encryption gets the login only when the user gave it so', async () => {
      await user('//one.example/:_authToken=abc', '//localhost:4873/:_authToken=local')
      await project('registry=http://one.example/')
      const to = async (env: NodeJS.ProcessEnv = {}) => {
        const { logins, registry } = await settled({}, env)
        return { ...logins.to(registry), withheld: logins.withheld?.why }
      }
      expect(await to()).toEqual({ withheld: expect.stringMatching(/with http/) })
      expect(await to({ POP_ROLLBACK_TRUSTED_HOSTS: 'a.example, one.example' })).toEqual({ token: 'abc' })
      expect(await to({ NPM_CONFIG_REGISTRY: 'http://one.example/' })).toEqual({ token: 'abc' })
      await project('registry=http://localhost:4873/')
      expect(await to()).toEqual({ token: 'local' })
    })

    test('NPM_TOKEN goes to registry.npmjs.org, the registry of the user and hosts that the user trusts', async () => {
      const token = async (registry: string, env: NodeJS.ProcessEnv = {}) =>
        (await settled({ registry }, { NPM_TOKEN: 'npm-token', ...env })).logins.to(registry).token
      expect(await token('https://registry.npmjs.org/')).toBe('npm-token')
      expect(await token('http://registry.npmjs.org/')).toBeUndefined()
      expect(await token('https://one.example/')).toBeUndefined()
      expect(await token('https://one.example/', { POP_ROLLBACK_TRUSTED_HOSTS: 'one.example:8443' })).toBeUndefined()
      expect(await token('https://one.example/', { POP_ROLLBACK_TRUSTED_HOSTS: 'One.example' })).toBe('npm-token')
      await user('registry=https://one.example/')
      expect(await token('https://one.example/')).toBe('npm-token')
    })

    test('an npm of its own in node_modules/.bin is not run', async () => {
      const bin = join(dir, 'node_modules/.bin')
      await mkdir(bin, { recursive: true })
      await writeFile(join(bin, 'npm'), '#!/bin/sh\n', { mode: 0o755 })
      const found = (folder: string) => findNpm({ PATH: [folder, './node_modules/.bin', 'bin'].join(delimiter) }, dir)
      expect(await found(bin)).toBeNull()
      expect(await findNpm({ PATH: bin }, join(dir, 'other'))).toBe(join(bin, 'npm'))
    })
  })

  test('the proxies of the environment count where the npm configuration names none', async () => {
    await manifest({ name: 'left', version: '1.0.0' })
    const env = { HTTPS_PROXY: 'http://proxy.example:3128', NO_PROXY: 'a.example' }
    expect((await settled({}, env)).proxies).toMatchObject({ httpsProxy: env.HTTPS_PROXY, noProxy: 'a.example' })
    await writeFile(join(dir, 'user-npmrc'), 'proxy=http://own.example/\n')
    expect((await settled({}, env)).proxies.httpsProxy).toBe('http://own.example/')
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
    await writeFile(join(dir, 'user-npmrc'), rc.join('\n'))
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
    expect(await discover()).toMatchObject([{ because: 'package.json names the package left' }])
  })

  test('passes private, nameless, broken and missing ones by', async () => {
    expect(await discover()).toEqual([])
    await manifest({ name: 'left', version: '1.0.0', private: true })
    expect(await discover()).toEqual([])
    await manifest({ version: '1.0.0' })
    expect(await discover()).toEqual([])
    await writeFile(join(dir, 'package.json'), '{')
    expect(await discover()).toEqual([])
    await rm(join(dir, 'package.json'))
    await mkdir(join(dir, 'package.json'))
    expect(await discover()).toEqual([])
  })
})

describe('npm workspaces', () => {
  const discover = () => discoverNpm(dir, {})
  const within = async (folder: string, content: object) => {
    await mkdir(join(dir, folder), { recursive: true })
    await writeFile(join(dir, folder, 'package.json'), JSON.stringify(content))
  }
  const packages = async () => {
    await within('packages/core', { name: '@acme/core', version: '1.0.0' })
    await within('packages/cli', { name: '@acme/cli', version: '1.0.0', publishConfig: { tag: 'next' } })
    await within('packages/fixture', { name: 'fixture', version: '1.0.0', private: true })
    await within('tools/deep/er', { name: '@acme/tool', version: '1.0.0' })
    await within('packages/core/node_modules/x', { name: 'x', version: '1.0.0' })
  }
  const root = { name: 'acme', version: '0.0.0', private: true }

  test.each([
    [
      'npm and yarn',
      'package.json',
      JSON.stringify({ ...root, workspaces: ['packages/*', 'tools/**', '!packages/f*'] })
    ],
    [
      'yarn, the older form',
      'package.json',
      JSON.stringify({ ...root, workspaces: { packages: ['packages/*', './tools/*/er/'] } })
    ],
    ['pnpm', 'pnpm-workspace.yaml', "packages:\n  - 'packages/*'\n  - tools/**\n"],
    ['lerna', 'lerna.json', JSON.stringify({ packages: ['packages/*', 'tools/deep/*'] })]
  ])('each package of the workspaces of %s is a target of its own; a private root is none', async (_, file, text) => {
    await manifest(root)
    await writeFile(join(dir, file), text)
    await packages()
    expect((await discover()).map(({ name, config }) => [name, config])).toEqual([
      ['npm-acme-cli', { package: '@acme/cli' }],
      ['npm-acme-core', { package: '@acme/core' }],
      ['npm-acme-tool', { package: '@acme/tool' }]
    ])
  })

  test('a target of no package is refused with the names; one of a package has the settings of that package', async () => {
    await manifest({ ...root, workspaces: ['packages/*'] })
    await packages()
    await expect(settled({})).rejects.toMatchObject({
      code: 'no_package',
      why: expect.stringMatching(/@acme\/cli, @acme\/core$/)
    })
    const { tag, siblings } = await settled({ package: '@acme/cli' })
    expect([tag, siblings.sort()]).toEqual(['next', ['@acme/core', 'fixture']])
  })

  test('the only package that is published is meant', async () => {
    await manifest({ ...root, workspaces: ['packages/*'] })
    await within('packages/core', { name: '@acme/core', version: '1.0.0' })
    expect((await settled({})).name).toBe('@acme/core')
    expect(await discover()).toMatchObject([{ config: { package: '@acme/core' } }])
  })
})
