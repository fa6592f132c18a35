import { describe, expect, test } from 'vitest'
import { newShelf, release } from '../../../testkit/in-memory-target.ts'
import { groupEngine, record, releaseHistory } from './group-harness.ts'

const versions = (plan: { members: { target: string; plan: { to: { version: string } } }[] } | null) =>
  plan?.members.map(({ target, plan: own }) => `${target} ${own.to.version}`)

describe('an assessment of several targets', () => {
  test('goes back to the versions that served together last, not to each one’s previous', async () => {
    const shelves = {
      a: newShelf(),
      b: newShelf({ releases: [release('1.0.0'), release('1.1.0'), release('1.1.1'), release('1.2.0')] })
    }
    shelves.b.health['1.1.1'] = 'healthy'
    const history = [
      record('a', '1.2.0', 'failed', '2026-03-18T14:30:00.000Z'),
      record('b', '1.2.0', 'success', '2026-03-18T14:31:00.000Z'),
      record('b', '1.1.1', 'success', '2026-03-18T14:30:30.000Z'),
      record('a', '1.1.0', 'success', '2026-03-10T12:00:00.000Z'),
      record('b', '1.1.0', 'success', '2026-03-10T12:01:00.000Z')
    ].sort((x, y) => (x.at < y.at ? 1 : -1))
    const { plan, ranTogetherUntil, members } = await (await groupEngine(shelves, { history })).assess()
    // 1.1.1 came to b after 1.1.0 had left a, and is b's own best.
    expect(members.find(({ target }) => target === 'b')?.assessment?.recommended?.release.version).toBe('1.1.1')
    expect(versions(plan)).toEqual(['b 1.1.0', 'a 1.1.0'])
    expect(ranTogetherUntil).toBe('2026-03-18T14:30:00.000Z')
  })

  test('a target of another release stays, and so does one that went back already', async () => {
    const shelves = { a: newShelf(), b: newShelf({ serving: '1.0.0' }), c: newShelf({ serving: '1.1.0' }) }
    const history = releaseHistory(['a', 'c']).concat(record('b', '1.0.0', 'success', '2026-02-01T12:00:00.000Z'))
    const { plan, staying } = await (await groupEngine(shelves, { history })).assess()
    expect(versions(plan)).toEqual(['a 1.1.0'])
    expect(staying).toEqual([
      { target: 'b', version: '1.0.0', why: '1.0.0 is not of this release' },
      { target: 'c', version: '1.1.0', why: '1.1.0 is not of this release' }
    ])
  })

  test('versions that never served together are a serious risk, unless they bear one name', async () => {
    const other = newShelf({ serving: '5.2.0', releases: [release('5.1.0'), release('5.2.0')] })
    other.health = { '5.1.0': 'healthy', '5.2.0': 'down' }
    const history = [
      record('a', '1.2.0', 'failed', '2026-03-18T14:31:00.000Z'),
      record('b', '5.2.0', 'failed', '2026-03-18T14:30:00.000Z'),
      record('a', '1.1.0', 'success', '2026-03-18T14:00:00.000Z'),
      record('b', '5.0.0', 'success', '2026-03-17T12:00:00.000Z'),
      record('b', '5.1.0', 'success', '2026-03-01T12:00:00.000Z')
    ]
    const apart = await (await groupEngine({ a: newShelf(), b: other }, { history })).assess()
    expect(versions(apart.plan)).toEqual(['a 1.1.0', 'b 5.1.0'])
    expect(apart.risks.map(({ id }) => id)).toContain('mixture')
    expect(apart.ranTogetherUntil).toBeNull()
    const named = await (await groupEngine({ a: newShelf(), b: newShelf() })).assess('1.0.0')
    expect(versions(named.plan)).toEqual(['b 1.0.0', 'a 1.0.0'])
    expect(named.risks.map(({ id }) => id)).not.toContain('mixture')
  })

  test('one that does not answer blocks the plan, and does not keep the others from being assessed', async () => {
    const { plan, blockers, members } = await (
      await groupEngine({ a: newShelf(), b: newShelf({ surveyFails: true }) })
    ).assess()
    expect(plan).toBeNull()
    expect(blockers).toMatchObject([{ id: 'no_answer', what: 'b was not assessed' }])
    expect(members.find(({ target }) => target === 'a')?.assessment?.plan?.to.version).toBe('1.1.0')
  })

  test('the order: what serves traffic, packages, announcements; the order of deploy.json wins', async () => {
    const shelves = { notes: newShelf(), npm: newShelf(), web: newShelf() }
    const holds = { notes: 'announcements', npm: 'packages', web: 'traffic' } as const
    const usual = await (await groupEngine(shelves, { holds })).assess()
    expect(usual.plan?.members.map(({ target }) => target)).toEqual(['web', 'npm', 'notes'])
    const stated = await (await groupEngine(shelves, { holds, settings: { order: ['notes'] } })).assess()
    expect(stated.plan?.members.map(({ target }) => target)).toEqual(['notes', 'web', 'npm'])
    expect(stated.plan?.id).not.toBe(usual.plan?.id)
  })

  test('a version that no target has is refused, and so is a list that names no version for a target', async () => {
    const engine = await groupEngine({ a: newShelf(), b: newShelf() })
    await expect(engine.assess('9.9.9')).rejects.toMatchObject({ code: 'unknown_version' })
    await expect(engine.assess('a=1.1.0,b')).rejects.toMatchObject({ code: 'bad_version' })
    await expect(engine.assess('a=1.1.0,z=1.0.0')).rejects.toMatchObject({ code: 'bad_version' })
    expect(versions((await engine.assess('b=1.0.0')).plan)).toEqual(['b 1.0.0'])
  })

  test('the same state gives the same id, and what happens on a failure is a part of it', async () => {
    const shelves = { a: newShelf(), b: newShelf() }
    const engine = await groupEngine(shelves)
    const { plan } = await engine.assess()
    expect((await engine.assess(plan?.version)).plan?.id).toBe(plan?.id)
    const other = await groupEngine(shelves, { settings: { onFailure: 'undo' } })
    expect((await other.assess()).plan?.id).not.toBe(plan?.id)
  })
})
