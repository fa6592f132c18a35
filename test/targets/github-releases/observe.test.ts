import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deleteTag, publish } from '../../fakes/github/state.ts'
import { limit, releaseNamed, type World, world } from './fixture.ts'

describe('GitHub observation', () => {
  let it: World
  beforeEach(async () => {
    it = await world()
  })
  afterEach(() => it.remove())
  const observe = async (parts = {}) => (await (await it.open(parts)).observe(limit())).observation

  test('what serves is the release that GitHub calls the latest', async () => {
    const { current, health, releases } = await observe()
    expect(current).toMatchObject({ version: 'v1.2.0', commit: expect.stringMatching(/^[0-9a-f]{40}$/) })
    expect(health.state).toBe('healthy')
    expect(releases.map(({ version }) => version)).toEqual(['v1.1.0', 'v1.0.0'])
    expect(releaseNamed(await observe(), 'v1.1.0').served).toMatchObject({ source: expect.stringMatching(/v1\.2\.0/) })
  })

  test('releases beyond the first page are candidates, too', async () => {
    for (let patch = 1; patch <= 120; patch++) publish(it.github.state, `v1.2.${patch}`)
    const { releases } = await observe()
    expect(releases).toHaveLength(122)
    expect(releaseNamed(await observe(), 'v1.0.0').available.state).toBe('yes')
  })

  test('drafts, prereleases and releases without tag, or with an unfinished asset, are no candidates, each with the reason', async () => {
    const { state } = it.github
    publish(state, 'v1.3.0-rc.1', { prerelease: true })
    publish(state, 'v1.3.0', { draft: true })
    const unfinished = publish(state, 'v1.1.1', { makeLatest: false })
    for (const asset of unfinished.assets) asset.state = 'open'
    deleteTag(state, 'v1.0.0')
    const { releases } = await observe()
    const states = Object.fromEntries(releases.map(({ version, available }) => [version, available]))
    expect(states).toMatchObject({
      'v1.3.0-rc.1': { state: 'no', reason: expect.stringMatching(/prerelease/) },
      'v1.3.0': { state: 'no', reason: expect.stringMatching(/draft/) },
      'v1.1.1': { state: 'no', reason: expect.stringMatching(/app\.tar\.gz/) },
      'v1.0.0': { state: 'no', reason: expect.stringMatching(/tag is deleted/) },
      'v1.1.0': { state: 'yes' }
    })
  })

  test('a recorded version that GitHub has no longer is named as deleted', async () => {
    const record = { at: '2026-01-01T00:00:00.000Z', target: 'github_releases', version: 'v0.9.0', status: 'success' }
    expect(releaseNamed(await observe({ history: [record] }), 'v0.9.0').available).toMatchObject({
      state: 'no',
      reason: expect.stringMatching(/deleted/)
    })
  })

  test('releases of another series in the same repository are told apart', async () => {
    publish(it.github.state, 'cli@0.3.0', { makeLatest: false })
    expect((await observe()).releases.map(({ version }) => version)).not.toContain('cli@0.3.0')
    expect(releaseNamed(await observe(), 'v1.1.0').against).toBeUndefined()
  })

  test('a release published after the latest, which is not the latest, has that against it', async () => {
    publish(it.github.state, 'v1.2.1', { makeLatest: false })
    expect(releaseNamed(await observe(), 'v1.2.1').against).toEqual([expect.stringMatching(/published after v1\.2\.0/)])
  })

  test('an asset of the latest release that is gone makes it degraded, all of them down', async () => {
    const [first, second] = it.github.state.releases.at(-1)?.assets ?? []
    if (!first || !second) throw new Error('two assets were expected')
    first.lost = true
    expect((await observe()).health).toMatchObject({
      state: 'degraded',
      message: expect.stringMatching(/app\.tar\.gz/)
    })
    second.lost = true
    expect((await observe()).health.state).toBe('down')
  })

  test('a latest release that lacks the assets of the one before, or those that deploy.json names, is degraded', async () => {
    publish(it.github.state, 'v1.3.0', { assets: [] })
    expect((await observe()).health).toMatchObject({ state: 'degraded', message: expect.stringMatching(/no assets/) })
    publish(it.github.state, 'v1.3.1', { assets: ['app.zip'] })
    expect((await observe({ config: { repository: 'acme/app', assets: ['dist/*.tar.gz'] } })).health).toMatchObject({
      state: 'degraded',
      message: 'v1.3.1 has no *.tar.gz'
    })
  })

  test('without any full release nothing serves', async () => {
    for (const release of it.github.state.releases) release.prerelease = true
    const { current, health } = await observe()
    expect(current).toBeNull()
    expect(health.state).toBe('down')
  })

  test('the fingerprint stays when nothing changed, and moves with the latest release and with its tag', async () => {
    const before = (await observe()).fingerprint
    expect((await observe()).fingerprint).toEqual(before)
    it.github.state.tags.set('v1.2.0', 'f'.repeat(40))
    const retagged = (await observe()).fingerprint
    expect(retagged).not.toEqual(before)
    publish(it.github.state, 'v1.3.0')
    expect((await observe()).fingerprint).not.toEqual(retagged)
  })

  test('a renamed repository is followed and named', async () => {
    it.github.state.formerly.push('acme/old')
    const { current, notes } = await observe({ config: { repository: 'acme/old' } })
    expect(current?.version).toBe('v1.2.0')
    expect(notes.join()).toMatch(/now called acme\/app/)
  })

  test('a private repository is read with the token, and its assets are downloaded without sending it on', async () => {
    it.github.state.private = true
    expect((await observe()).health.state).toBe('healthy')
    expect(it.github.storage.asked.length).toBeGreaterThan(0)
  })

  test('a repository that is not there, or not to be seen, is a clear error', async () => {
    await expect(observe({ config: { repository: 'acme/none' } })).rejects.toMatchObject({ code: 'not_found' })
    it.github.state.private = true
    const env = { ...it.env, GITHUB_TOKEN: undefined }
    await expect(observe({ env })).rejects.toMatchObject({ next: expect.stringMatching(/gh auth login/) })
  })

  test('a token that GitHub does not accept is an error of the configuration that names its place and not the token', async () => {
    const env = { ...it.env, GITHUB_TOKEN: 'ghp_0000000000000000000000000000' }
    const error: unknown = await observe({ env }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ fault: 'config', why: expect.stringMatching(/GITHUB_TOKEN/) })
    expect(JSON.stringify(error)).not.toContain('ghp_')
  })
})
