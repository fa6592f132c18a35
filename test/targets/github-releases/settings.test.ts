import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMask } from '../../../src/support/mask.ts'
import { githubConfigSchema } from '../../../src/targets/github-releases/config.ts'
import { discoverGitHubReleases } from '../../../src/targets/github-releases/discover.ts'
import { repositoryFrom, seriesOf, tagPattern } from '../../../src/targets/github-releases/names.ts'
import { settle } from '../../../src/targets/github-releases/settings.ts'
import { targetContext } from '../../../testkit/target-context.ts'

describe('GitHub settings', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pop-github-settings-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const settled = async (config: object, env: NodeJS.ProcessEnv = {}, mask = createMask()) => {
    const around = { PATH: process.env.PATH, HOME: dir, ...env }
    const context = targetContext({ name: 'github_releases', projectDir: dir, env: around, mask })
    return await settle({ ...context, config: githubConfigSchema.parse(config) })
  }
  const clone = async (remote: string) => {
    await promisify(execFile)('git', ['init', '-q', dir])
    await promisify(execFile)('git', ['-C', dir, 'remote', 'add', 'origin', remote])
  }

  test.each([
    ['acme/app', null],
    ['https://github.com/acme/app', 'github.com'],
    ['https://user:word@github.com/acme/app.git', 'github.com'],
    ['git@github.com:acme/app.git', 'github.com'],
    ['ssh://git@ssh.github.com:443/acme/app.git', 'github.com'],
    ['https://git.example.com:8443/acme/app', 'git.example.com:8443'],
    ['git.example.com/acme/app', 'git.example.com']
  ])('the repository is read from %s', (text, host) => {
    expect(repositoryFrom(text)).toEqual({ owner: 'acme', name: 'app', host })
  })

  test.each([
    '',
    'app',
    'acme/app/more/than',
    '../app',
    'acme/..',
    '-x/app',
    'acme/app;id',
    'file:///acme/app',
    'acme/a b'
  ])('%j is no repository', (text) => {
    expect(repositoryFrom(text)).toBeNull()
  })

  test.each(['v1.2.0', '1.2', 'release/2026-01', '@scope/pkg@1.0.0', 'app_v1+build.5'])('%s may be a tag', (tag) => {
    expect(tagPattern.test(tag)).toBe(true)
  })

  test.each([
    '-rf',
    'v1..2',
    'v1 2',
    'v1;id',
    'v1$(id)',
    'v1`',
    'a//b',
    'a/.b',
    'v1.lock',
    'v1/',
    'v1.',
    'v1\u200b',
    '../x',
    'v~1',
    'v1<b>'
  ])('%j is no tag that is passed on', (tag) => {
    expect(tagPattern.test(tag)).toBe(false)
  })

  test('series are told by what stands before the version', () => {
    expect(['v1.2.0', '1.2.0', 'web@1.2.0', 'web-v1.2.0-rc.1', 'pkg2-v1.0'].map(seriesOf)).toEqual([
      '',
      '',
      'web@',
      'web-',
      'pkg2-'
    ])
  })

  test('the git remote names the repository where deploy.json does not, and its password is masked', async () => {
    await clone('https://ada:remote-password@github.com/acme/app.git')
    const mask = createMask()
    const found = await settled({}, {}, mask)
    expect(found).toMatchObject({
      owner: 'acme',
      name: 'app',
      api: 'https://api.github.com',
      web: 'https://github.com'
    })
    expect(found.notes.join()).toMatch(/acme\/app: the git remote names it/)
    expect(mask.text('remote-password')).toBe('***')
  })

  test('GitHub Enterprise: the address follows from the remote, GH_HOST, GITHUB_API_URL or config.api_url', async () => {
    expect(await settled({ repository: 'acme/app' }, { GH_HOST: 'git.example.com' })).toMatchObject({
      api: 'https://git.example.com/api/v3',
      web: 'https://git.example.com',
      host: 'git.example.com'
    })
    expect(
      await settled({ repository: 'acme/app' }, { GITHUB_API_URL: 'https://git.example.com/api/v3' })
    ).toMatchObject({ api: 'https://git.example.com/api/v3' })
    expect(await settled({ repository: 'https://acme.ghe.com/acme/app' })).toMatchObject({
      api: 'https://api.acme.ghe.com',
      web: 'https://acme.ghe.com'
    })
    await clone('git@git.example.com:acme/app.git')
    expect(await settled({})).toMatchObject({ api: 'https://git.example.com/api/v3' })
  })

  test.each(['http://git.example.com/api/v3', 'ftp://x', 'https://user:word@x/api', 'not an address'])(
    '%s is no address that a token is sent to',
    async (api_url) => {
      const error: unknown = await settled({ repository: 'acme/app', api_url }).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'bad_api_url' })
      expect(JSON.stringify(error)).not.toContain('word')
    }
  )

  test('the token comes from the plugin first, then the variables of gh, and an unfilled placeholder is none', async () => {
    const env = { POP_ROLLBACK_GITHUB_TOKEN: 'one', GH_TOKEN: 'two', GITHUB_TOKEN: 'three' }
    const config = { repository: 'acme/app' }
    expect((await settled(config, env)).token?.token).toBe('one')
    const placeholder = '$'.concat('{user_config.github_token}')
    expect((await settled(config, { ...env, POP_ROLLBACK_GITHUB_TOKEN: placeholder })).token?.token).toBe('two')
    expect((await settled(config, { GITHUB_TOKEN: 'three' })).token).toMatchObject({
      token: 'three',
      from: expect.stringMatching(/GITHUB_TOKEN/)
    })
  })

  test('a host that only deploy.json names gets no token of the environment', async () => {
    const env = {
      POP_ROLLBACK_GITHUB_TOKEN: 'one',
      GH_TOKEN: 'two',
      GITHUB_TOKEN: 'three',
      GH_ENTERPRISE_TOKEN: 'four'
    }
    const config = { repository: 'acme/app', api_url: 'https://git.example.com/api/v3' }
    const { token, notes } = await settled(config, env)
    expect(token).toBeNull()
    expect(notes.join()).toMatch(/GH_HOST/)
    expect(
      (await settled(config, { GH_HOST: 'git.example.com', GH_ENTERPRISE_TOKEN: 'four', GH_TOKEN: 'two' })).token?.token
    ).toBe('four')
    const trusting = { ...env, POP_ROLLBACK_TRUSTED_HOSTS: 'git.example.com' }
    expect((await settled(config, { ...trusting, POP_ROLLBACK_GITHUB_TOKEN: '' })).token?.token).toBe('four')
  })

  test('a tenant of ghe.com, which anybody may have, gets no token only because the project names it', async () => {
    for (const config of [
      { repository: 'https://acme.ghe.com/acme/app' },
      { api_url: 'https://api.acme.ghe.com', repository: 'acme/app' }
    ]) {
      const { token, notes } = await settled(config, { GH_TOKEN: 'two' })
      expect(token).toBeNull()
      expect(notes.join()).toMatch(/POP_ROLLBACK_TRUSTED_HOSTS=acme\.ghe\.com/)
      const named = await settled(config, { GH_TOKEN: 'two', GH_HOST: 'acme.ghe.com' })
      expect(named.token?.token).toBe('two')
    }
  })

  test("gh's own login is the last place, asked of gh for that host alone", async () => {
    const bin = join(dir, 'bin')
    await mkdir(bin)
    await writeFile(join(bin, 'gh'), '#!/bin/sh\n[ -z "$GH_TOKEN" ] && echo "stored-for-$4"\n')
    await chmod(join(bin, 'gh'), 0o755)
    const PATH = `${bin}:${process.env.PATH}`
    expect((await settled({ repository: 'acme/app' }, { PATH })).token).toEqual({
      token: 'stored-for-github.com',
      from: 'the login of the gh program for github.com'
    })
    const server = { repository: 'acme/app', api_url: 'https://git.example.com/api/v3' }
    expect((await settled(server, { PATH, GH_TOKEN: 'two' })).token?.token).toBe('stored-for-git.example.com')
  })

  test('a token with a line break is refused and not shown', async () => {
    const error: unknown = await settled({ repository: 'acme/app' }, { GH_TOKEN: 'to\nken-value' }).catch(
      (thrown: unknown) => thrown
    )
    expect(error).toMatchObject({ code: 'bad_token' })
    expect(JSON.stringify(error)).not.toContain('ken-value')
  })

  test('a project is discovered where it is on GitHub and publishes releases', async () => {
    await clone('git@github.com:acme/app.git')
    expect(await discoverGitHubReleases(dir, {})).toBeNull()
    await mkdir(join(dir, '.github/workflows'), { recursive: true })
    await writeFile(join(dir, '.github/workflows/ship.yml'), 'run: gh release create v1')
    expect(await discoverGitHubReleases(dir, {})).toMatchObject({ because: expect.stringMatching(/ship\.yml/) })
  })
})
