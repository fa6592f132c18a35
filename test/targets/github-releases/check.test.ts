import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CheckReport } from '../../../src/model/check.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { limit, releaseNamed, type World, world } from './fixture.ts'

describe('GitHub check', () => {
  let it: World
  beforeEach(async () => {
    it = await world()
  })
  afterEach(() => it.remove())
  const statuses = ({ checks }: CheckReport) => Object.fromEntries(checks.map(({ id, status }) => [id, status]))
  const rolledBack = async () => {
    const { target, observation, steps } = await it.planTo('v1.1.0')
    const [latest] = steps
    if (latest) await target.apply(latest, testRun())
    return { target, release: releaseNamed(observation, 'v1.1.0') }
  }
  const assets = () => it.github.state.releases.find(({ tag }) => tag === 'v1.1.0')?.assets ?? []

  test('the mark, the commit, the bytes of the assets and the page of the latest', async () => {
    const { target, release } = await rolledBack()
    const report = await target.check(release, { signal: limit() })
    expect(statuses(report)).toEqual({ latest: 'pass', identity: 'pass', assets: 'pass', page: 'pass' })
    expect(report.checks.find(({ id }) => id === 'assets')?.detail).toMatch(/2 tried, 2 of them read whole/)
  })

  test('another latest release fails', async () => {
    const { target, release } = await rolledBack()
    it.github.state.latest = null
    expect(statuses(await target.check(release, { signal: limit() }))).toEqual({ latest: 'fail' })
  })

  test('an asset that is gone fails, a storage that does not answer is unknown', async () => {
    const { target, release } = await rolledBack()
    const [first] = assets()
    if (first) first.lost = true
    expect(statuses(await target.check(release, { signal: limit() }))).toMatchObject({ assets: 'fail' })
    if (first) first.lost = false
    it.github.storage.fault(() => ({ status: 503 }))
    expect(statuses(await target.check(release, { signal: limit() }))).toMatchObject({ assets: 'unknown' })
  })

  test('a tag that was moved, or assets replaced, since the plan fail', async () => {
    const { target, release } = await rolledBack()
    it.github.state.tags.set('v1.1.0', 'e'.repeat(40))
    expect(statuses(await target.check(release, { signal: limit() }))).toMatchObject({ identity: 'fail' })
    it.github.state.tags.set('v1.1.0', release.commit ?? '')
    const [first] = assets()
    if (first) first.content = Buffer.from('other')
    expect(statuses(await target.check(release, { signal: limit() }))).toMatchObject({ identity: 'fail' })
  })

  test('a page that still leads to the failed release is unknown, not passed', async () => {
    const { target, release } = await rolledBack()
    it.github.fault(({ path }) =>
      path === '/acme/app/releases/latest'
        ? { status: 302, headers: { location: '/acme/app/releases/tag/v1.2.0' } }
        : undefined
    )
    const { checks } = await target.check(release, { signal: limit() })
    expect(checks.find(({ id }) => id === 'page')).toMatchObject({
      status: 'unknown',
      detail: expect.stringMatching(/v1\.2\.0/)
    })
  })

  test('a private repository has no page for everybody, and is checked without it', async () => {
    it.github.state.private = true
    const { target, release } = await rolledBack()
    expect(statuses(await target.check(release, { signal: limit() }))).toEqual({
      latest: 'pass',
      identity: 'pass',
      assets: 'pass'
    })
  })

  test.each([
    ['the server is in private mode', () => void Object.assign(it.github.state, { privateMode: true })],
    [
      'a proxy before it asks for a login elsewhere',
      () =>
        it.github.fault(({ path }) =>
          path === '/acme/app/releases/latest'
            ? { status: 302, headers: { location: 'https://login.example.com/?to=x' } }
            : undefined
        )
    ]
  ])('a page that only whoever is logged in sees is no proof and no doubt: %s', async (_, close) => {
    const { target, release } = await rolledBack()
    close()
    expect(statuses(await target.check(release, { signal: limit() }))).toEqual({
      latest: 'pass',
      identity: 'pass',
      assets: 'pass'
    })
  })

  test('downloads that break once are tried again; a limit that lasts is told and not pressed', async () => {
    const { target, release } = await rolledBack()
    const broken = new Set<string>()
    it.github.storage.fault(({ path }) => {
      if (broken.has(path)) return undefined
      broken.add(path)
      return broken.size === 1 ? 'hang up' : { status: 502 }
    })
    expect(statuses(await target.check(release, { signal: limit() }))).toMatchObject({ assets: 'pass' })
    it.github.storage.fault(() => ({ status: 429, headers: { 'retry-after': '3600' } }))
    const { checks } = await target.check(release, { signal: limit() })
    expect(checks.find(({ id }) => id === 'assets')).toMatchObject({
      status: 'unknown',
      detail: expect.stringMatching(/asks to wait 1h 0m/)
    })
  })

  test('later looks of a soak download nothing again, unless something changed', async () => {
    const { target, release } = await rolledBack()
    const { observed } = await target.check(release, { signal: limit() })
    const before = it.github.storage.asked.length
    const second = await target.check(release, { signal: limit(), baseline: observed })
    expect(statuses(second)).toEqual({ latest: 'pass', assets: 'pass' })
    expect(it.github.storage.asked).toHaveLength(before)
    const [first] = assets()
    if (first) first.content = Buffer.from('replaced')
    const third = await target.check(release, { signal: limit(), baseline: second.observed })
    expect(statuses(third)).toMatchObject({ identity: 'fail' })
  })

  test('a GitHub that is down is unknown', async () => {
    const { target, release } = await rolledBack()
    it.github.fault(() => 'hang up')
    expect(statuses(await target.check(release, { signal: limit() }))).toEqual({ latest: 'unknown' })
  })

  test('the diagnosis names failed workflows, lost assets, who published and what was changed', async () => {
    const latest = it.github.state.releases.at(-1)
    latest?.assets.pop()
    it.github.state.runs.push({
      id: 5,
      name: 'Release',
      conclusion: 'failure',
      sha: it.github.state.tags.get('v1.2.0') ?? '',
      at: '2026-01-03T00:10:00Z'
    })
    const { findings, events, evidence } = await (await it.open()).diagnose(limit())
    expect(findings.join('\n')).toMatch(/v1\.2\.0 has no checksums\.txt, which v1\.1\.0 has/)
    expect(findings.join('\n')).toMatch(/workflow Release of its commit ended in failure/)
    expect(findings.join('\n')).toMatch(/v1\.2\.0 was published at 2026-01-03T00:00:00Z by builder/)
    expect(events.map(({ source }) => source)).toContain('GitHub Actions')
    expect(evidence[0]?.text).toMatch(/"Make it faster" \(Ada\)/)
  })

  test('a diagnosis without the rights for workflow runs tells the rest', async () => {
    it.github.fault(({ path }) =>
      /actions|compare/.test(path) ? { status: 403, body: { message: 'Resource not accessible' } } : undefined
    )
    const { findings } = await (await it.open()).diagnose(limit())
    expect(findings.join()).toMatch(/was published/)
  })
})
