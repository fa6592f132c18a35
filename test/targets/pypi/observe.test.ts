import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RollbackError } from '../../../src/support/errors.ts'
import { upload, yank } from '../../fakes/pypi/state.ts'
import { limit, releaseNamed, type World, world } from './fixture.ts'

describe('PyPI observation', () => {
  let it: World
  beforeEach(async () => {
    it = await world()
  })
  afterEach(() => it.remove())
  const recorded = (version: string) => ({ at: '2026-01-01T00:00:00.000Z', target: 'pypi', version, status: 'success' })
  const observe = async (parts = {}) => (await (await it.open(parts)).observe(limit())).observation

  test('what serves is what an installer takes', async () => {
    const { current, health, releases } = await observe()
    expect(current).toMatchObject({ version: '1.2.0', id: 'demo-project==1.2.0' })
    expect(health.state).toBe('healthy')
    expect(releases.map(({ version }) => version)).toEqual(['1.1.0', '1.0.0'])
    expect(releases[0]?.served).toMatchObject({ source: expect.stringMatching(/superseded by 1\.2\.0/) })
  })

  test('versions are ordered by PEP 440: prereleases, post-releases, epochs, and not as text', async () => {
    const taken = async (version: string) => {
      upload(it.pypi.state, version)
      return (await observe()).current?.version
    }
    expect(await taken('1.10.0')).toBe('1.10.0')
    expect(await taken('1.11.0rc1')).toBe('1.10.0')
    expect(await taken('1.11.0.dev2')).toBe('1.10.0')
    expect(await taken('1.10.0.post1')).toBe('1.10.0.post1')
    expect(await taken('1!0.1')).toBe('1!0.1')
  })

  test('what is yanked is not taken, and says why', async () => {
    yank(it.pypi.state, '1.2.0', 'does not start')
    const seen = await observe()
    expect(seen.current?.version).toBe('1.1.0')
    expect(releaseNamed(seen, '1.2.0')).toMatchObject({
      available: { state: 'no', reason: expect.stringMatching(/un-yanks/) },
      against: ['yanked: "does not start"']
    })
  })

  test('files that the index no longer shows may be deleted, or in quarantine, and both are said', async () => {
    const version = it.pypi.state.versions.find((one) => one.version === '1.1.0')
    if (version) version.files = []
    const seen = await observe({ history: ['0.9', '1.1.0'].map(recorded) })
    for (const one of ['0.9', '1.1.0'])
      expect(releaseNamed(seen, one).available).toMatchObject({
        state: 'no',
        reason: expect.stringMatching(/no file name is accepted twice, or the release is in quarantine/)
      })
  })

  test('a Python on which installers take another version is named', async () => {
    upload(it.pypi.state, '1.3.0', { requiresPython: '>=3.12' })
    const { current, notes } = await observe()
    expect(current?.version).toBe('1.3.0')
    expect(notes.join()).toMatch(/On Python 3\.11, 3\.10, 3\.9, 3\.8 an installer takes 1\.2\.0/)
  })

  test('a file of the taken version that is gone makes it degraded, all of them down', async () => {
    const files = it.pypi.state.versions.at(-1)?.files ?? []
    for (const [index, state] of ['degraded', 'down'].entries()) {
      const file = files[index]
      if (file) file.lost = true
      expect((await observe()).health).toMatchObject({ state, message: expect.stringMatching(/cannot be downloaded/) })
    }
  })

  test('a taken version without a distribution that deploy.json names is degraded', async () => {
    upload(it.pypi.state, '1.3.0', { kinds: ['sdist'] })
    const config = { ...it.config, distributions: ['sdist', 'bdist_wheel'] }
    expect((await observe({ config })).health).toMatchObject({
      state: 'degraded',
      message: expect.stringMatching(/wheel/)
    })
  })

  test('a project of which everything is yanked serves nothing', async () => {
    for (const { version } of it.pypi.state.versions) yank(it.pypi.state, version)
    const { current, health } = await observe()
    expect(current).toBeNull()
    expect(health.state).toBe('down')
  })

  test('an archived or quarantined project is named as such; the latter blocks', async () => {
    it.pypi.state.status = 'archived'
    expect((await observe()).notes.join()).toMatch(/archived/)
    it.pypi.state.status = 'quarantined'
    const { blockers, health, releases } = await observe({ history: [recorded('1.1.0')] })
    expect(blockers).toMatchObject([{ id: 'quarantined' }])
    expect(health.message).toContain('in quarantine')
    expect(releases[0]?.available.reason).toMatch(/the project is in quarantine/)
    expect(JSON.stringify(releases)).not.toContain('deleted')
  })

  test('an index that has only HTML tells the same', async () => {
    yank(it.pypi.state, '1.1.0', 'a "quoted" <reason> & more')
    upload(it.pypi.state, '1.3.0', { requiresPython: '>=3.12,<4' })
    const json = await observe()
    it.pypi.onlyHtml(true)
    const html = await observe()
    expect(html.current?.version).toBe('1.3.0')
    expect(releaseNamed(html, '1.1.0').against).toEqual(['yanked: "a \'quoted\' <reason> & more"'])
    expect(html.notes).toEqual(json.notes)
  })

  test('a project that is not there is a clear error', async () => {
    await expect(observe({ config: { ...it.config, package: 'another' } })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('an index of its own is asked with the login of pip for the same server, which no message shows', async () => {
    it.pypi.login = { user: 'ada', password: 'index-password' }
    const config = { index_url: `${it.pypi.url}/simple` }
    await expect(observe({ config })).rejects.toMatchObject({ fault: 'config', code: 'not_logged_in' })
    const address = it.pypi.url.replace('://', '://ada:index-password@')
    const seen = await observe({ config, env: { HOME: it.dir, PIP_INDEX_URL: `${address}/simple` } })
    expect(seen.current?.version).toBe('1.2.0')
    expect(JSON.stringify(seen)).not.toContain('index-password')
    expect(it.pypi.files.asked.every(({ headers }) => headers.authorization === undefined)).toBe(true)
  })

  test('a login that is refused is named with its place, and none with every place', async () => {
    it.pypi.login = { user: 'ada', password: 'index-password' }
    const config = { index_url: `${it.pypi.url}/simple` }
    await expect(observe({ config })).rejects.toMatchObject({
      why: expect.stringMatching(/none was found in .*PIP_INDEX_URL.*pip\.conf.*\.pypirc.*\.netrc/)
    })
    await writeFile(join(it.dir, '.netrc'), 'machine 127.0.0.1 login ada password old-password')
    await expect(observe({ config })).rejects.toMatchObject({
      fault: 'config',
      why: expect.stringMatching(/login from .*\.netrc/)
    })
    await writeFile(join(it.dir, '.netrc'), 'machine 127.0.0.1 login ada password index-password')
    expect((await observe({ config })).current?.version).toBe('1.2.0')
  })

  test('a login that the index echoes is masked, packed or not', async () => {
    await writeFile(join(it.dir, '.netrc'), 'machine 127.0.0.1 login ada password index-password')
    const packed = Buffer.from('ada:index-password').toString('base64')
    const config = { index_url: `${it.pypi.url}/simple` }
    for (const body of [
      { message: `no access for ada:index-password (${packed})` },
      `<h1>Basic ${packed} is not index-password</h1>`
    ])
      for (const status of [200, 400, 403]) {
        it.pypi.fault(() => ({ status, body }))
        const error: unknown = await observe({ config }).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(RollbackError)
        expect(JSON.stringify(error) + String(error)).not.toMatch(new RegExp(`index-password|${packed}`))
      }
  })

  test('a limit of the index is waited for where that is short, and told where it is long', async () => {
    let limited = 1
    it.pypi.fault(() => (limited-- > 0 ? { status: 429, headers: { 'retry-after': '1' } } : undefined))
    expect((await observe()).current?.version).toBe('1.2.0')
    it.pypi.fault(() => ({ status: 429, headers: { 'retry-after': '3600' } }))
    await expect(observe()).rejects.toMatchObject({ code: 'rate_limited', retryable: true })
  })

  test('the fingerprint stays when nothing changed, and moves with what is taken', async () => {
    const before = (await observe()).fingerprint
    expect((await observe()).fingerprint).toEqual(before)
    upload(it.pypi.state, '1.2.1')
    expect((await observe()).fingerprint).not.toEqual(before)
  })

  test('the diagnosis names lost files, new requirements and known vulnerabilities', async () => {
    upload(it.pypi.state, '1.3.0', { kinds: ['sdist'], requires: ['left-pad>=2'], requiresPython: '>=3.12' })
    it.pypi.state.vulnerabilities['1.3.0'] = [{ id: 'PYSEC-1', summary: 'runs what it is sent' }]
    const { findings, events } = await (await it.open()).diagnose(limit())
    expect(findings).toEqual([
      '1.3.0 has no wheel, which 1.2.0 has',
      '1.3.0 requires Python >=3.12, 1.2.0 >=3.8',
      '1.3.0 requires left-pad>=2, which 1.2.0 does not',
      '1.3.0 has a known vulnerability PYSEC-1: runs what it is sent',
      '1.3.0 was uploaded at 2026-01-04T00:00:00.000Z'
    ])
    expect(events).toHaveLength(2)
  })
})
