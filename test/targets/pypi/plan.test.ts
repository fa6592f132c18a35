import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testRun } from '../../../testkit/target-context.ts'
import { upload, yank } from '../../fakes/pypi/state.ts'
import { limit, releaseNamed, type World, world } from './fixture.ts'

describe('PyPI plan and yank', () => {
  let it: World
  beforeEach(async () => {
    it = await world()
  })
  afterEach(() => it.remove())
  const ids = (list: { id: string }[]) => list.map(({ id }) => id)
  const step = async (version = '1.1.0') => {
    const { target, steps } = await it.planTo(version)
    if (!steps[0]) throw new Error('a step was expected')
    return { target, step: steps[0] }
  }

  test('one step has everything yanked that installers prefer, with page, release and reason', async () => {
    const { steps, risks, blockers, notes } = await it.planTo('1.1.0')
    expect(steps).toMatchObject([{ id: 'yank', phase: 'switch', title: 'Yanking 1.2.0', undo: 'un-yank 1.2.0' }])
    expect(steps[0]?.manualCommands?.[0]).toBe(
      `Open ${it.pypi.url}/manage/project/Demo.Project/releases/, and in the Options of the release 1.2.0 choose Yank; type 1.2.0 to confirm, and paste as the reason: Broken release; use Demo.Project 1.1.0.`
    )
    expect([risks, blockers]).toEqual([[], []])
    expect(notes.join()).toMatch(/higher version, such as 1\.2\.1/)
  })

  test('the same state gives the same plan', async () => {
    const [one, two] = [await it.planTo('1.1.0'), await it.planTo('1.1.0')]
    expect(two.steps).toEqual(one.steps)
    expect(two.fingerprint).toEqual(one.fingerprint)
    upload(it.pypi.state, '1.1.5')
    expect((await it.planTo('1.1.0')).fingerprint).not.toEqual(one.fingerprint)
  })

  test('versions between the two would have to be yanked, too: a serious risk; prereleases need not', async () => {
    upload(it.pypi.state, '1.1.5')
    upload(it.pypi.state, '1.3.0rc1')
    const { steps, risks } = await it.planTo('1.1.0')
    expect(steps[0]?.params.versions).toEqual(['1.2.0', '1.1.5'])
    expect(risks).toMatchObject([{ id: 'yanks_more:1.1.5', serious: true }])
  })

  test('a candidate without files, yanked, or with files that are gone or changed, blocks', async () => {
    const version = it.pypi.state.versions.find((one) => one.version === '1.1.0')
    const [file] = version?.files ?? []
    if (!version || !file) throw new Error('a file was expected')
    file.lost = true
    expect((await it.planTo('1.1.0')).blockers).toMatchObject([{ id: 'files_broken:1.1.0' }])
    file.lost = false
    it.pypi.files.fault(({ path }) =>
      path.endsWith(file.name) ? { status: 200, body: Buffer.alloc(file.content.length, 'x') } : undefined
    )
    expect((await it.planTo('1.1.0')).blockers[0]?.why).toMatch(/not the recorded file/)
    yank(it.pypi.state, '1.1.0')
    expect(ids((await it.planTo('1.1.0')).blockers)).toEqual(['yanked:1.1.0'])
    version.files = []
    const history = [{ at: '2026-01-02T00:00:00.000Z', target: 'pypi', version: '1.1.0', status: 'success' }]
    expect((await it.planTo('1.1.0', { history })).blockers).toMatchObject([
      { id: 'files_gone:1.1.0', why: expect.stringMatching(/accepted twice, or the release is in quarantine/) }
    ])
  })

  test('files that are not those of the recorded deployment are a serious risk', async () => {
    const { snapshot } = (await (await it.open()).observe(limit())).observation
    upload(it.pypi.state, '1.3.0')
    const history = [{ at: '2026-01-05T00:00:00.000Z', target: 'pypi', version: '1.2.0', status: 'success', snapshot }]
    expect((await it.planTo('1.2.0', { history })).risks).toEqual([])
    it.pypi.state.versions.find((one) => one.version === '1.2.0')?.files.pop()
    expect(ids((await it.planTo('1.2.0', { history })).risks)).toContain('files_changed:1.2.0')
  })

  test('what users lose with the candidate is told: kinds of distribution, Pythons', async () => {
    upload(it.pypi.state, '1.3.0', { kinds: ['sdist'], requiresPython: '>=3.12' })
    upload(it.pypi.state, '1.4.0')
    const { risks } = await it.planTo('1.3.0')
    expect(ids(risks)).toEqual(['kinds_fewer:1.3.0', 'python_narrower:1.3.0'])
    const config = { ...it.config, distributions: ['wheel'] }
    expect(ids((await it.planTo('1.3.0', { config })).risks)).toContain('kinds_missing:1.3.0')
  })

  test('no program can yank, so the step is manual and says all that a person needs', async () => {
    const { target, step: one } = await step()
    const { manual = [] } = await target.apply(one, testRun())
    expect(manual.join('\n')).toMatch(/lets no program yank/)
    expect(manual.join('\n')).toContain(`${it.pypi.url}/manage/project/Demo.Project/releases/`)
    expect(manual.join('\n')).toMatch(/verify the rollback[\s\S]*pinned exactly 1\.2\.0[\s\S]*Mirrors/)
    expect(manual.join('\n')).toMatch(/1\.2\.1, which installers take at once/)
  })

  test('once a person has yanked it, the step is done', async () => {
    const { target, step: one } = await step()
    yank(it.pypi.state, '1.2.0', 'broken')
    const result = await target.apply(one, testRun())
    expect(result.manual).toBeUndefined()
    expect(result.detail).toMatch(/skip 1\.2\.0/)
  })

  test('a yank that only the JSON API shows yet is waited for', async () => {
    const { target, step: one } = await step()
    it.pypi.freeze(true)
    yank(it.pypi.state, '1.2.0')
    const said: string[] = []
    const progress = (message: string): void => {
      said.push(message)
      it.pypi.freeze(false)
    }
    expect((await target.apply(one, testRun({ progress }))).manual).toBeUndefined()
    expect(said).toEqual(['1.2.0 is yanked, but a cache still offers it'])
  })

  test('where some are yanked and others not, only the others are asked for', async () => {
    upload(it.pypi.state, '1.1.5')
    const { target, step: one } = await step()
    yank(it.pypi.state, '1.2.0')
    const { manual = [] } = await target.apply(one, testRun())
    expect(manual.join()).toMatch(/release 1\.1\.5 choose Yank/)
    expect(manual.join()).not.toMatch(/release 1\.2\.0 choose/)
  })

  test('reverting has nothing to do before the yank, and tells the page after it', async () => {
    const { target, step: one } = await step()
    expect((await target.revert(one, testRun())).detail).toMatch(/not yanked/)
    yank(it.pypi.state, '1.2.0')
    await expect(target.revert(one, testRun())).rejects.toMatchObject({
      code: 'manual_only',
      next: expect.stringMatching(/release 1\.2\.0 choose Un-yank/)
    })
  })

  test('an index of its own without a known way is manual as well, and never called PyPI', async () => {
    const config = { index_url: `${it.pypi.url}/simple` }
    const { target, steps } = await it.planTo('1.1.0', { config })
    const [one] = steps
    if (!one) throw new Error('a step was expected')
    const { manual = [] } = await target.apply(one, testRun())
    expect(manual.join()).toMatch(/cannot yank a release/)
    expect(manual.join()).not.toMatch(/PyPI|manage\/project/)
  })

  test('a step that was planned for another index is not carried out', async () => {
    const { step: one } = await step()
    const target = await it.open({ config: { index_url: `${it.pypi.url}/other` } })
    await expect(target.apply(one, testRun())).rejects.toMatchObject({ code: 'foreign_step' })
  })

  describe('check', () => {
    const statuses = async (target: Awaited<ReturnType<World['open']>>, release: ReturnType<typeof releaseNamed>) =>
      Object.fromEntries(
        (await target.check(release, { signal: limit() })).checks.map(({ id, status }) => [id, status])
      )

    test('fails until the yank shows, then passes on both APIs with the files read', async () => {
      const { target, observation } = await it.planTo('1.1.0')
      const release = releaseNamed(observation, '1.1.0')
      expect(await statuses(target, release)).toMatchObject({ chosen: 'fail', json: 'fail' })
      yank(it.pypi.state, '1.2.0')
      expect(await statuses(target, release)).toEqual({ chosen: 'pass', json: 'pass', identity: 'pass', files: 'pass' })
    })

    test('between the yank and its showing everywhere it is unknown', async () => {
      const { target, observation } = await it.planTo('1.1.0')
      it.pypi.freeze(true)
      yank(it.pypi.state, '1.2.0')
      expect(await statuses(target, releaseNamed(observation, '1.1.0'))).toMatchObject({
        chosen: 'unknown',
        json: 'pass'
      })
    })

    test('a version that only some Pythons would still prefer fails', async () => {
      const { target, observation } = await it.planTo('1.1.0')
      yank(it.pypi.state, '1.2.0')
      upload(it.pypi.state, '1.1.9', { requiresPython: '>=3.8,<3.10' })
      const { checks } = await target.check(releaseNamed(observation, '1.1.0'), { signal: limit() })
      expect(checks[0]).toMatchObject({ status: 'fail', detail: 'on Python 3.9 they take 1.1.9, not 1.1.0' })
    })

    test('later looks of a soak download nothing again', async () => {
      const { target, observation } = await it.planTo('1.1.0')
      yank(it.pypi.state, '1.2.0')
      const release = releaseNamed(observation, '1.1.0')
      const { observed } = await target.check(release, { signal: limit() })
      const before = it.pypi.files.asked.length
      const { checks } = await target.check(release, { signal: limit(), baseline: observed })
      expect(checks.map(({ status }) => status)).toEqual(['pass', 'pass', 'pass'])
      expect(it.pypi.files.asked).toHaveLength(before)
    })

    test('an index that is down is unknown', async () => {
      const { target, observation } = await it.planTo('1.1.0')
      it.pypi.fault(() => ({
        status: 503,
        headers: { 'content-type': 'text/html' },
        body: '<h1>Backend is unhealthy</h1>'
      }))
      expect(await statuses(target, releaseNamed(observation, '1.1.0'))).toEqual({ chosen: 'unknown' })
    })
  })
})
