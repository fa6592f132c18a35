import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commitFor, newToken, publish } from '../../fakes/github/state.ts'
import { limit, releaseNamed, type World, world } from './fixture.ts'

describe('GitHub plan', () => {
  let it: World
  beforeEach(async () => {
    it = await world()
  })
  afterEach(() => it.remove())
  const ids = (list: { id: string }[]) => list.map(({ id }) => id)
  const release = (tag: string) => {
    const found = it.github.state.releases.find((one) => one.tag === tag)
    if (!found) throw new Error(`no release ${tag}`)
    return found
  }
  const record = (version: string, parts: object = {}) => ({
    at: '2026-01-02T00:00:00.000Z',
    target: 'github_releases',
    version,
    status: 'success',
    ...parts
  })

  test('marks the good release first and the failed one as cleanup, each with the commands for people', async () => {
    const { steps, risks, blockers } = await it.planTo('v1.1.0')
    const host = new URL(it.github.url).host
    expect(steps.map(({ kind, phase }) => [kind, phase])).toEqual([
      ['mark-latest', 'switch'],
      ['mark-failed', 'cleanup']
    ])
    expect(steps[0]).toMatchObject({
      manualCommands: [`gh release edit v1.1.0 --repo ${host}/acme/app --latest`],
      manualUndoCommands: [`gh release edit v1.2.0 --repo ${host}/acme/app --latest`]
    })
    expect([risks, blockers]).toEqual([[], []])
  })

  test.each([
    ['a sound backport that became the latest', ['v2.3.1', 'v1.9.5'], 'v2.3.1'],
    ['a new line', ['v2.0.0'], 'v1.2.0']
  ])('%s is left alone: only the mark moves, and the plan says so', async (_, tags, to) => {
    for (const tag of tags) publish(it.github.state, tag)
    const { steps, notes } = await it.planTo(to)
    expect(steps.map(({ kind }) => kind)).toEqual(['mark-latest'])
    expect(notes[0]).toMatch(/stay as they are: .*may be sound/)
  })

  test('a failed release that is to be kept is not touched, its notes included', async () => {
    const { steps, notes } = await it.planTo('v1.1.0', { config: { repository: 'acme/app', failed_release: 'keep' } })
    expect(steps.map(({ kind }) => kind)).toEqual(['mark-latest'])
    expect(notes[0]).toMatch(/v1\.2\.0 and its notes stay/)
  })

  test('what a shell would read in a tag is quoted in the commands for people', async () => {
    publish(it.github.state, "v1.3.0;$(id)'")
    const { steps } = await it.planTo('v1.2.0')
    expect(steps[1]?.manualCommands?.[0]).toMatch(/^gh release edit 'v1\.3\.0;\$\(id\)'\\''' --repo /)
  })

  test('the same state gives the same plan, and planning writes nothing', async () => {
    const [one, two] = [await it.planTo('v1.1.0'), await it.planTo('v1.1.0')]
    expect(two.steps).toEqual(one.steps)
    expect(two.fingerprint).toEqual(one.fingerprint)
    expect(it.github.asked.filter(({ method }) => method !== 'GET')).toEqual([])
    expect(JSON.stringify(one)).not.toContain(it.token)
  })

  test('an asset of the candidate that is gone, or is not what was recorded, blocks before anything is touched', async () => {
    const [asset] = release('v1.1.0').assets
    if (!asset) throw new Error('an asset was expected')
    asset.lost = true
    expect((await it.planTo('v1.1.0')).blockers).toMatchObject([
      { id: 'assets_gone:v1.1.0', why: expect.stringMatching(/app\.tar\.gz/) }
    ])
    it.github.storage.fault(({ path }) =>
      path === `/bytes/${asset.id}` ? { status: 200, body: Buffer.alloc(asset.content.length, 'x') } : undefined
    )
    expect((await it.planTo('v1.1.0')).blockers[0]?.why).toMatch(/not the recorded file/)
  })

  test('a candidate that lost its tag, or was deleted, blocks', async () => {
    const target = await it.open()
    const candidate = releaseNamed((await target.observe(limit())).observation, 'v1.1.0')
    const blockers = async () => {
      const { observation, state } = await target.observe(limit())
      return ids((await target.plan(observation, state, candidate, limit())).blockers)
    }
    it.github.state.tags.delete('v1.1.0')
    expect(await blockers()).toEqual(['tag_gone:v1.1.0'])
    it.github.state.releases = it.github.state.releases.filter(({ tag }) => tag !== 'v1.1.0')
    expect(await blockers()).toEqual(['deleted:v1.1.0'])
  })

  test('a prerelease that somebody names is blocked with what to do', async () => {
    publish(it.github.state, 'v1.3.0-rc.1', { prerelease: true })
    expect((await it.planTo('v1.3.0-rc.1')).blockers).toMatchObject([
      { id: 'not_full:v1.3.0-rc.1', why: expect.stringMatching(/only a full release/) }
    ])
  })

  test('a tag that was moved since the recorded deployment is a serious risk', async () => {
    const history = [record('v1.1.0', { commit: commitFor('v1.1.0').slice(0, 10) })]
    expect((await it.planTo('v1.1.0', { history })).risks).toEqual([])
    it.github.state.tags.set('v1.1.0', commitFor('elsewhere'))
    expect((await it.planTo('v1.1.0', { history })).risks).toMatchObject([{ id: 'tag_moved:v1.1.0', serious: true }])
  })

  test('a release that was deleted and made again, or whose assets were replaced, is a serious risk', async () => {
    const { snapshot } = (await (await it.open()).observe(limit())).observation
    publish(it.github.state, 'v1.3.0')
    const history = [record('v1.2.0', { digest: String(release('v1.2.0').id), snapshot })]
    expect((await it.planTo('v1.2.0', { history })).risks).toEqual([])
    const [asset] = release('v1.2.0').assets
    if (asset) asset.content = Buffer.from('another build')
    release('v1.2.0').id = 99
    expect(ids((await it.planTo('v1.2.0', { history })).risks)).toEqual([
      'release_recreated:v1.2.0',
      'assets_changed:v1.2.0'
    ])
  })

  test('a candidate without the assets that the failed one has is a serious risk', async () => {
    publish(it.github.state, 'v1.2.1', { assets: [] })
    publish(it.github.state, 'v1.2.2')
    expect((await it.planTo('v1.2.1')).risks).toMatchObject([{ id: 'assets_missing:v1.2.1', serious: true }])
  })

  test('an immutable release can be taken back; it becomes a prerelease where a draft was asked for', async () => {
    publish(it.github.state, 'v1.3.0', { immutable: true })
    const { steps, notes } = await it.planTo('v1.2.0', {
      config: { repository: 'acme/app', failed_release: 'draft' }
    })
    expect(steps[1]?.params).toMatchObject({ as: 'prerelease' })
    expect(notes.join()).toMatch(/immutable and cannot become a draft/)
  })

  describe('rights are noticed before anything is changed', () => {
    const planWith = async (token: Parameters<typeof newToken>[1] | null) => {
      const env = { ...it.env, GITHUB_TOKEN: token ? newToken(it.github.state, token) : undefined }
      return await it.planTo('v1.1.0', { env })
    }

    test('no token blocks, and every place where one may be is named', async () => {
      const { blockers } = await planWith(null)
      expect(blockers).toMatchObject([{ id: 'not_logged_in' }])
      expect(blockers[0]?.why).toMatch(/POP_ROLLBACK_GITHUB_TOKEN.*GH_TOKEN.*GITHUB_TOKEN.*login of the gh program/)
    })

    test('a classic token without the scope blocks', async () => {
      expect(ids((await planWith({ scopes: ['read:org'] })).blockers)).toEqual(['no_scope'])
      expect(ids((await planWith({ scopes: ['public_repo'] })).blockers)).toEqual([])
      it.github.state.private = true
      expect(ids((await planWith({ scopes: ['public_repo'] })).blockers)).toEqual(['no_scope'])
    })

    test('a user without write access blocks, and so does an archived repository', async () => {
      expect(ids((await planWith({ push: false })).blockers)).toEqual(['no_rights'])
      it.github.state.archived = true
      expect(ids((await planWith({})).blockers)).toEqual(['archived'])
    })

    test('a fine-grained token is a risk that is told, for GitHub does not say what it may do', async () => {
      expect((await planWith({ kind: 'fine-grained' })).risks).toMatchObject([{ id: 'rights_unknown', serious: false }])
    })

    test('a release whose workflow files differ from the default branch may need a right of its own: a risk that is told', async () => {
      const { state } = it.github
      state.workflows.set('main', { 'release.yml': 'aaa' })
      state.workflows.set(commitFor('v1.1.0'), { 'release.yml': 'bbb' })
      const classic = await planWith({ scopes: ['repo'] })
      expect(classic.blockers).toEqual([])
      expect(classic.risks).toMatchObject([
        { id: 'workflow_rights_unknown', serious: false, detail: expect.stringMatching(/--scopes workflow/) }
      ])
      expect((await planWith({ scopes: ['repo', 'workflow'] })).risks).toEqual([])
      expect(ids((await planWith({ kind: 'fine-grained' })).risks)).toEqual([
        'rights_unknown',
        'workflow_rights_unknown'
      ])
      expect(ids((await planWith({ kind: 'actions' })).risks)).toEqual(['workflow_rights_unknown'])
      state.workflows.set('main', { 'release.yml': 'bbb' })
      expect((await planWith({ scopes: ['repo'] })).risks).toEqual([])
    })
  })
})
