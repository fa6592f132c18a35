import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Step } from '../../../src/model/step.ts'
import { systemClock } from '../../../src/support/clock.ts'
import type { Target } from '../../../src/targets/target.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { fakeServer } from '../../fakes/fake-server.ts'
import { commitFor, latestOf, newToken, publish } from '../../fakes/github/state.ts'
import { limit, releaseNamed, type World, world } from './fixture.ts'

describe('GitHub steps', () => {
  let it: World
  beforeEach(async () => {
    it = await world()
  })
  afterEach(() => it.remove())
  const state = (tag: string) => {
    const found = it.github.state.releases.find((one) => one.tag === tag)
    if (!found) throw new Error(`no release ${tag}`)
    return found
  }
  const now = () => structuredClone(it.github.state.releases)
  const stepsTo = async (parts = {}): Promise<[Target, Step, Step]> => {
    const { target, steps } = await it.planTo('v1.1.0', parts)
    const [latest, failed] = steps
    if (!latest || !failed) throw new Error('two steps were expected')
    return [target, latest, failed]
  }
  const writes = () => it.github.asked.filter(({ method }) => method === 'PATCH')

  test('the good release is what users who ask for the latest get; the failed one is a prerelease with a warning', async () => {
    const [target, latest, failed] = await stepsTo()
    await target.apply(latest, testRun())
    expect(await it.latest()).toBe('v1.1.0')
    await target.apply(failed, testRun())
    expect(await it.latest()).toBe('v1.1.0')
    expect(state('v1.2.0')).toMatchObject({ prerelease: true, draft: false, tag: 'v1.2.0' })
    expect(state('v1.2.0').body).toMatch(
      /v1\.2\.0 was rolled back\. Use v1\.1\.0 instead\.\n\nWhat is new in v1\.2\.0$/
    )
    expect(state('v1.1.0').body).toBe('What is new in v1.1.0')
    const { observation } = await target.observe(limit())
    expect(releaseNamed(observation, 'v1.2.0').against).toEqual(['its notes say that it was rolled back'])
  })

  test('steps may be repeated and then write nothing', async () => {
    const [target, latest, failed] = await stepsTo()
    for (const step of [latest, failed]) await target.apply(step, testRun())
    const before = writes().length
    expect((await target.apply(latest, testRun())).detail).toMatch(/already/)
    expect((await target.apply(failed, testRun())).detail).toMatch(/already/)
    expect(writes()).toHaveLength(before)
  })

  test.each(['prerelease', 'draft'] as const)(
    'reverting restores everything as it was, whatever part was done (failed release: %s)',
    async (as) => {
      const [target, latest, failed] = await stepsTo({ config: { repository: 'acme/app', failed_release: as } })
      const before = now()
      for (const done of [[], [latest], [latest, failed]]) {
        for (const step of done) await target.apply(step, testRun())
        if (done.length === 2)
          expect(state('v1.2.0')).toMatchObject({ draft: as === 'draft', prerelease: as === 'prerelease' })
        await target.revert(failed, testRun())
        await target.revert(latest, testRun())
        expect(now()).toEqual(before)
        expect(await it.latest()).toBe('v1.2.0')
      }
    }
  )

  test('notes that somebody changed since keep the change when the warning goes', async () => {
    const [target, latest, failed] = await stepsTo()
    for (const step of [latest, failed]) await target.apply(step, testRun())
    const edited = state('v1.2.0')
    edited.body = `${edited.body?.replaceAll('\n', '\r\n')}\r\nKnown problem: it does not start.`
    await target.revert(failed, testRun())
    expect(edited.body).toBe('What is new in v1.2.0\r\nKnown problem: it does not start.')
  })

  test('a release that somebody published meanwhile is not taken the mark from, forwards and backwards', async () => {
    const [target, latest] = await stepsTo()
    publish(it.github.state, 'v1.3.0')
    await expect(target.apply(latest, testRun())).rejects.toMatchObject({
      code: 'moved',
      state: expect.stringMatching(/v1\.3\.0 is the latest/)
    })
    await expect(target.revert(latest, testRun())).rejects.toMatchObject({ code: 'moved' })
    expect(await it.latest()).toBe('v1.3.0')
    expect(writes()).toEqual([])
  })

  test('a failed release that somebody made the latest again is not marked', async () => {
    const [target, latest, failed] = await stepsTo()
    await target.apply(latest, testRun())
    it.github.state.latest = state('v1.2.0').id
    await expect(target.apply(failed, testRun())).rejects.toMatchObject({ code: 'moved' })
    expect(state('v1.2.0').prerelease).toBe(false)
  })

  test('a candidate that became a draft meanwhile is not touched', async () => {
    const [target, latest] = await stepsTo()
    state('v1.1.0').draft = true
    await expect(target.apply(latest, testRun())).rejects.toMatchObject({ code: 'candidate_changed' })
    expect(await it.latest()).toBe('v1.2.0')
  })

  test('a failed release that was deleted meanwhile needs no marking', async () => {
    const [target, latest, failed] = await stepsTo()
    await target.apply(latest, testRun())
    it.github.state.releases = it.github.state.releases.filter(({ tag }) => tag !== 'v1.2.0')
    expect((await target.apply(failed, testRun())).detail).toMatch(/deleted/)
    expect((await target.revert(failed, testRun())).detail).toMatch(/deleted/)
  })

  test('an immutable release is taken back and restored', async () => {
    publish(it.github.state, 'v1.3.0', { immutable: true })
    const before = now()
    const { target, steps } = await it.planTo('v1.2.0')
    for (const step of steps) await target.apply(step, testRun())
    expect(await it.latest()).toBe('v1.2.0')
    expect(state('v1.3.0')).toMatchObject({ prerelease: true, immutable: true })
    for (const step of [...steps].reverse()) await target.revert(step, testRun())
    expect(now()).toEqual(before)
    expect(await it.latest()).toBe('v1.3.0')
  })

  test('a connection that breaks after GitHub did it is checked, and the change is not made twice', async () => {
    const [target, latest] = await stepsTo()
    it.github.fault(async (asked) => {
      if (asked.method !== 'PATCH') return undefined
      it.github.state.latest = state('v1.1.0').id
      return 'hang up'
    })
    const run = testRun()
    await target.apply(latest, run)
    expect(writes()).toHaveLength(1)
    expect(run.said.join()).toMatch(/checking whether it was made/)
  })

  test('a connection that breaks before GitHub did it is tried again; one that always breaks is reported with the state', async () => {
    const [target, latest] = await stepsTo()
    it.github.fault(({ method }) => (method === 'PATCH' ? 'hang up' : undefined))
    await expect(target.apply(latest, testRun())).rejects.toMatchObject({
      code: 'unreachable',
      state: 'v1.2.0 is still the latest.'
    })
    let broken = 1
    it.github.fault(({ method }) => (method === 'PATCH' && broken-- > 0 ? 'hang up' : undefined))
    await target.apply(latest, testRun())
    expect(await it.latest()).toBe('v1.1.0')
  })

  test("GitHub's secondary limit is waited for, and the step then succeeds", async () => {
    const [target, latest] = await stepsTo()
    let limited = 1
    it.github.fault(({ method }) =>
      method === 'PATCH' && limited-- > 0
        ? {
            status: 403,
            headers: { 'retry-after': '1' },
            body: {
              message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.'
            }
          }
        : undefined
    )
    await target.apply(latest, testRun())
    expect(await it.latest()).toBe('v1.1.0')
  })

  test("GitHub's secondary limit that names no time is waited for a minute, and the step then succeeds", async () => {
    const slept: number[] = []
    const clock = {
      now: systemClock.now,
      sleep: async (ms: number, signal?: AbortSignal) => {
        slept.push(ms)
        await systemClock.sleep(Math.min(ms, 50), signal)
      }
    }
    const [target, latest] = await stepsTo({ clock })
    let limited = 1
    it.github.fault(({ method }) =>
      method === 'PATCH' && limited-- > 0
        ? { status: 403, body: { message: 'You have exceeded a secondary rate limit.' } }
        : undefined
    )
    await target.apply(latest, testRun())
    expect(slept).toContain(60_000)
    expect(await it.latest()).toBe('v1.1.0')
  })

  test('a repository that was renamed is changed under its new name, and restored', async () => {
    it.github.state.formerly.push('acme/old')
    const before = now()
    const [target, latest, failed] = await stepsTo({ config: { repository: 'acme/old' } })
    for (const step of [latest, failed]) await target.apply(step, testRun())
    expect(await it.latest()).toBe('v1.1.0')
    expect(state('v1.2.0')).toMatchObject({ prerelease: true })
    for (const step of [failed, latest]) await target.revert(step, testRun())
    expect(now()).toEqual(before)
    expect(await it.latest()).toBe('v1.2.0')
  })

  test('a write that is sent on to another host is refused, and nothing is changed there or here', async () => {
    const [target, latest] = await stepsTo()
    const elsewhere = await fakeServer(() => ({ status: 200, body: {} }))
    it.github.fault(({ method }) =>
      method === 'PATCH' ? { status: 307, headers: { location: `${elsewhere.url}/x` } } : undefined
    )
    await expect(target.apply(latest, testRun())).rejects.toMatchObject({
      code: 'redirected',
      state: 'v1.2.0 is still the latest.'
    })
    expect(elsewhere.asked).toEqual([])
    await elsewhere.stop()
    expect(await it.latest()).toBe('v1.2.0')
  })

  test('an answer that shows the change late is waited for', async () => {
    const [target, latest] = await stepsTo()
    let stale = 2
    const old = await (
      await fetch(`${it.github.api}/repos/acme/app/releases/latest`, {
        headers: { authorization: `Bearer ${it.token}` }
      })
    ).json()
    it.github.fault(({ path }) =>
      path.endsWith('/releases/latest') && latestOf(it.github.state)?.tag === 'v1.1.0' && stale-- > 0
        ? { status: 200, body: old }
        : undefined
    )
    const run = testRun()
    await target.apply(latest, run)
    expect(run.said.join()).toMatch(/still answers v1\.2\.0/)
  })

  test('a token that lost its rights, or never had those on workflows, changes nothing and says so', async () => {
    const [, latest] = await stepsTo()
    it.github.state.workflows.set(commitFor('v1.1.0'), { 'release.yml': 'old' })
    for (const parts of [{ scopes: [] }, { kind: 'fine-grained', workflows: false }] as const) {
      const env = { ...it.env, GITHUB_TOKEN: newToken(it.github.state, { ...parts, scopes: [] }) }
      await expect((await it.open({ env })).apply(latest, testRun())).rejects.toMatchObject({
        code: 'no_rights',
        state: 'v1.2.0 is still the latest.'
      })
    }
    const ofJob = { ...it.env, GITHUB_TOKEN: newToken(it.github.state, { kind: 'actions', workflows: false }) }
    await expect((await it.open({ env: ofJob })).apply(latest, testRun())).rejects.toMatchObject({
      code: 'no_rights',
      next: expect.stringMatching(/workflows=write/)
    })
    const env = { ...it.env, GITHUB_TOKEN: newToken(it.github.state, { kind: 'fine-grained', contents: 'read' }) }
    await expect((await it.open({ env })).apply(latest, testRun())).rejects.toMatchObject({
      code: 'no_rights',
      next: expect.stringMatching(/contents=write/)
    })
    expect(await it.latest()).toBe('v1.2.0')
  })

  test('a step that was planned for another repository is not carried out', async () => {
    const [target, latest] = await stepsTo()
    const elsewhere = { ...latest, params: { ...latest.params, repository: 'acme/other' } }
    await expect(target.apply(elsewhere, testRun())).rejects.toMatchObject({ code: 'foreign_step' })
  })
})
