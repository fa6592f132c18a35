import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, expect, test, vi } from 'vitest'
import type { CheckReport } from '../../../src/model/check.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { bench, limit, moveTag, open, type Project, releaseNamed } from './package-fixture.ts'

describeOn('npm', 'npm check', (backend) => {
  const { fresh, behind, cleanUp } = bench(backend)
  afterEach(cleanUp)

  const rolledBack = async (name?: string): Promise<Project> => {
    const made = await fresh(undefined, name)
    await made.publish('1.1.0', {
      manifest: { scripts: { postinstall: `node -e "require('fs').writeFileSync('${made.dir}/ran','')"` } }
    })
    await made.publish('1.2.0')
    await moveTag(backend, made.name, 'latest', '1.1.0')
    return made
  }
  const releaseOf = async (made: Project, version: string) => {
    await moveTag(backend, made.name, 'latest', '1.2.0')
    const release = releaseNamed((await (await open(made)).observe(limit())).observation, version)
    await moveTag(backend, made.name, 'latest', version)
    return release
  }
  const statuses = ({ checks }: CheckReport) => Object.fromEntries(checks.map(({ id, status }) => [id, status]))

  test('tag, content and an installation in an empty folder prove the candidate; no script runs, nothing is left', async () => {
    const made = await rolledBack()
    const target = await open(made)
    const release = await releaseOf(made, '1.1.0')
    // A folder of its own: other tests install beside this one.
    const own = await mkdtemp(join(tmpdir(), 'pop-check-'))
    vi.stubEnv('TMPDIR', own)
    const report = await target.check(release, { signal: limit() })
    vi.unstubAllEnvs()
    expect(statuses(report)).toEqual({ dist_tag: 'pass', identity: 'pass', tarball: 'pass', install: 'pass' })
    await expect(access(join(made.dir, 'ran'))).rejects.toThrow()
    expect(await readdir(own)).toEqual([])
    await rm(own, { recursive: true })
  })

  test('a package of the same project that came with the failed version is named, and the check is no success', async () => {
    const core = await fresh()
    const made = await fresh()
    for (const [one, folder] of [
      [core, 'core'],
      [made, 'cli']
    ] as const) {
      await mkdir(join(made.dir, 'packages', folder), { recursive: true })
      const content = JSON.stringify({ name: one.name, version: '1.2.0' })
      await writeFile(join(made.dir, 'packages', folder, 'package.json'), content)
    }
    const root = { name: 'root', private: true, workspaces: ['packages/*'] }
    await writeFile(join(made.dir, 'package.json'), JSON.stringify(root))
    const dependencies = { [core.name]: '^1.0.0' }
    await core.publish('1.0.0')
    await made.publish('1.1.0', { manifest: { dependencies } })
    await core.publish('1.2.0')
    await made.publish('1.2.0', { manifest: { dependencies } })
    const target = await open(made, { config: { package: made.name } })
    const release = releaseNamed((await target.observe(limit())).observation, '1.1.0')
    await moveTag(backend, made.name, 'latest', '1.1.0')
    const broken = await target.check(release, { signal: limit() })
    expect(broken.checks.find(({ id }) => id === 'siblings')).toMatchObject({
      status: 'unknown',
      detail: `${core.name}@1.2.0 (the number of the failed 1.2.0)`
    })
    await moveTag(backend, core.name, 'latest', '1.0.0')
    await behind(made, async ({ method, path }) => {
      if (method !== 'GET' || path !== `/${core.name}`) return undefined
      const body = (await (await fetch(`${backend.url}${core.name}`)).json()) as { time: Record<string, string> }
      return { status: 200, body: { ...body, time: { ...body.time, '1.0.0': '2020-01-01T00:00:00.000Z' } } }
    })
    const sound = await open(made, { config: { package: made.name } })
    const { checks } = await sound.check(release, { signal: limit() })
    expect(checks.find(({ id }) => id === 'siblings')).toMatchObject({ status: 'pass', detail: `${core.name}@1.0.0` })
  })

  test('later looks of a soak do not install again, unless the tag has moved', async () => {
    const made = await rolledBack()
    const release = await releaseOf(made, '1.1.0')
    const faulty = await behind(made, () => undefined)
    const target = await open(made)
    const downloads = () => faulty.log.filter((line) => line.endsWith('.tgz')).length
    const first = await target.check(release, { signal: limit() })
    const before = downloads()
    expect(before).toBeGreaterThan(0)
    const second = await target.check(release, { signal: limit(), baseline: first.observed })
    expect(statuses(second)).toEqual({ dist_tag: 'pass', identity: 'pass', install: 'pass' })
    expect(downloads()).toBe(before)
    await moveTag(backend, made.name, 'latest', '1.2.0')
    const third = await target.check(release, { signal: limit(), baseline: first.observed })
    expect(statuses(third)).toMatchObject({ dist_tag: 'fail', install: 'fail' })
  })

  test('a private scoped package is installed with the login of the project', async () => {
    const made = await rolledBack(`@members/pop-check-${process.pid}-${Date.now().toString(36)}`)
    const report = await (await open(made)).check(await releaseOf(made, '1.1.0'), { signal: limit() })
    expect(statuses(report)).toMatchObject({ install: 'pass', tarball: 'pass' })
  })

  test('a tarball that cannot be downloaded fails', async () => {
    const made = await rolledBack()
    const release = await releaseOf(made, '1.1.0')
    await behind(made, ({ path }) => (path.endsWith('.tgz') ? { status: 404 } : undefined))
    const report = await (await open(made)).check(release, { signal: limit() })
    expect(statuses(report)).toMatchObject({ dist_tag: 'pass', tarball: 'fail', install: 'fail' })
  })

  test('a dependency that cannot be installed leaves it unknown, for that tells nothing of the candidate', async () => {
    const made = await fresh()
    await made.publish('1.1.0', { manifest: { dependencies: { [`${made.name}-dependency`]: '1.0.0' } } })
    await made.publish('1.2.0')
    const report = await (await open(made)).check(await releaseOf(made, '1.1.0'), { signal: limit() })
    expect(statuses(report)).toMatchObject({ tarball: 'pass', install: 'unknown' })
    expect(report.checks.at(-1)?.detail).toContain(`${made.name}-dependency`)
  })

  test('a git dependency runs no program of its own; the check says what it left out', async () => {
    const made = await fresh()
    const git = join(made.dir, 'evil')
    await mkdir(git)
    const evil = {
      name: 'evil',
      version: '1.0.0',
      scripts: { prepare: 'true' },
      dependencies: { other: `git+file://${git}` }
    }
    await writeFile(join(git, 'package.json'), JSON.stringify(evil))
    await writeFile(join(git, '.npmrc'), 'git=./run.sh\n')
    await writeFile(join(git, 'run.sh'), `#!/bin/sh\ntouch ${made.dir}/ran\nexec git "$@"\n`, { mode: 0o755 })
    const author = ['-c', 'user.name=n', '-c', 'user.email=a@b']
    for (const args of [
      ['init', '-q'],
      ['add', '-A'],
      [...author, 'commit', '-qm', 'x']
    ])
      await execa('git', args, { cwd: git })
    await made.publish('1.1.0', { manifest: { dependencies: { evil: `git+file://${git}` } } })
    await made.publish('1.0.0', { manifest: { optionalDependencies: { evil: `git+file://${git}` } } })
    await made.publish('1.2.0')
    const checked = async (version: string) =>
      (await (await open(made)).check(await releaseOf(made, version), { signal: limit() })).checks.at(-1)
    expect(await checked('1.1.0')).toMatchObject({ status: 'unknown', detail: expect.stringMatching(/from git.*evil/) })
    expect(await checked('1.0.0')).toMatchObject({ status: 'pass', detail: expect.stringMatching(/left out.*evil/) })
    await expect(access(join(made.dir, 'ran'))).rejects.toThrow()
  })

  test('a package that is not for this machine leaves it unknown', async () => {
    const made = await fresh()
    await made.publish('1.1.0', { manifest: { os: ['plan9'] } })
    await made.publish('1.2.0')
    const report = await (await open(made)).check(await releaseOf(made, '1.1.0'), { signal: limit() })
    expect(statuses(report)).toMatchObject({ tarball: 'pass', install: 'unknown' })
  })

  test('a package page that is behind the list of tags leaves it unknown, not failed', async () => {
    const made = await rolledBack()
    const release = await releaseOf(made, '1.1.0')
    await behind(made, async ({ method, path }) => {
      if (method !== 'GET' || path.split('?')[0] !== `/${made.name}`) return undefined
      const page = (await (await fetch(`${backend.url}${made.name}`)).json()) as Record<string, unknown>
      return { status: 200, body: { ...page, 'dist-tags': { latest: '1.2.0' } } }
    })
    const report = await (await open(made)).check(release, { signal: limit() })
    expect(statuses(report)).toMatchObject({ dist_tag: 'pass', install: 'unknown' })
  })

  test('without an npm program the installation is unknown, and the tarball still compared', async () => {
    const made = await rolledBack()
    const release = await releaseOf(made, '1.1.0')
    const target = await open(made, { env: { ...made.env, PATH: made.dir } })
    const report = await target.check(release, { signal: limit() })
    expect(statuses(report)).toEqual({ dist_tag: 'pass', identity: 'pass', tarball: 'pass', install: 'unknown' })
    expect(report.checks.at(-1)?.detail).toMatch(/npm is not on PATH/)
  })

  test('other content under the same version fails', async () => {
    const made = await rolledBack()
    const release = await releaseOf(made, '1.1.0')
    const report = await (await open(made)).check({ ...release, id: 'sha512-other' }, { signal: limit() })
    expect(statuses(report)).toMatchObject({ identity: 'fail' })
  })

  test('a registry that is down is unknown, and does not throw', async () => {
    const made = await rolledBack()
    const release = await releaseOf(made, '1.1.0')
    const faulty = await behind(made, () => undefined)
    const target = await open(made)
    await faulty.stop()
    expect(statuses(await target.check(release, { signal: limit() }))).toEqual({ dist_tag: 'unknown' })
  })
})
