import { readdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { newestGroup } from '../../../src/rollback/group/group-journal.ts'
import { journalById } from '../../../src/rollback/journal/journal.ts'
import { newShelf, type Shelf } from '../../../testkit/in-memory-target.ts'
import { type GroupEngine, groupEngine, releaseHistory } from './group-harness.ts'

const three = (more: Partial<Record<'a' | 'b' | 'c', Partial<Shelf>>> = {}) => ({
  a: newShelf(more.a),
  b: newShelf(more.b),
  c: newShelf(more.c)
})

const failsAtSwitch: Partial<Shelf> = {
  health: { '1.2.0': 'degraded', '1.1.0': 'healthy', '1.0.0': 'healthy' },
  beforeStep(verb, step) {
    if (verb === 'apply' && step.kind === 'switch') throw new Error('the shelf is stuck')
  }
}

const serving = (shelves: Record<string, Shelf>) => Object.values(shelves).map((shelf) => shelf.serving)
const outcomes = (result: Awaited<ReturnType<GroupEngine['rollBack']>>) =>
  Object.fromEntries(result.members.map(({ target, outcome }) => [target, outcome]))
const groupJournal = ({ group }: GroupEngine) => newestGroup(group.paths.rollbacksDir, group.project.clock.now())

describe('a rollback of several targets', () => {
  test('goes back on each, the last deployed first, and its journal points to each of theirs', async () => {
    const shelves = three()
    const engine = await groupEngine(shelves)
    const result = await engine.rollBack()
    expect(outcomes(result)).toEqual({ c: 'succeeded', b: 'succeeded', a: 'succeeded' })
    expect(result.members.map(({ target }) => target)).toEqual(['c', 'b', 'a'])
    expect(result.outcome).toBe('succeeded')
    expect(serving(shelves)).toEqual(['1.1.0', '1.1.0', '1.1.0'])
    const journal = await groupJournal(engine)
    expect(journal?.ended?.outcome).toBe('succeeded')
    for (const { rollbackId, target } of journal?.begun.members ?? []) {
      const own = await journalById(engine.group.paths.rollbacksDir, rollbackId, engine.group.project.clock.now())
      expect(own.begun).toMatchObject({ target, groupId: journal?.begun.groupId })
      expect(own.ended?.outcome).toBe('succeeded')
    }
    expect(engine.records.map(({ target }) => target).sort()).toEqual(['a', 'b', 'c'])
  })

  test('no target switches before each has prepared, and none cleans up before the last is proven', async () => {
    const shelves = three()
    const all: string[] = []
    for (const [name, shelf] of Object.entries(shelves))
      shelf.beforeStep = (_verb, step) => void all.push(`${step.kind} ${name}`)
    await (await groupEngine(shelves)).rollBack()
    expect(all.slice(0, 3).every((line) => line.startsWith('fetch'))).toBe(true)
    expect(all.slice(3, 6)).toEqual(['switch c', 'switch b', 'switch a'])
    expect(all.slice(6).every((line) => line.startsWith('clean'))).toBe(true)
  })

  test('one that cannot prepare keeps all others from switching', async () => {
    const shelves = three({
      a: {
        beforeStep(verb, step) {
          if (verb === 'apply' && step.kind === 'fetch') throw new Error('it cannot be fetched')
        }
      }
    })
    const result = await (await groupEngine(shelves)).rollBack()
    expect(outcomes(result)).toEqual({ c: 'cancelled', b: 'cancelled', a: 'undone' })
    expect(serving(shelves)).toEqual(['1.2.0', '1.2.0', '1.2.0'])
    expect(shelves.b.fetched).toEqual([])
  })

  test('the second fails: the first stays, the third is not begun, and the mixture is said', async () => {
    const shelves = three({ b: failsAtSwitch })
    const engine = await groupEngine(shelves)
    const result = await engine.rollBack()
    expect(outcomes(result)).toEqual({ c: 'succeeded', b: 'undone', a: 'cancelled' })
    expect(result.outcome).toBe('undone')
    expect(serving(shelves)).toEqual(['1.2.0', '1.2.0', '1.1.0'])
    expect(result.mixture).toBeNull()
    expect(result.state).toContain(
      'Now: c 1.1.0, b 1.2.0, a 1.2.0. These versions are not known to have served together'
    )
    expect((await groupJournal(engine))?.ended?.outcome).toBe('undone')
  })

  test('a mixture that served together before is said with when', async () => {
    const shelves = three({ b: failsAtSwitch })
    const history = releaseHistory(['a', 'b', 'c']).map((one) => ({ ...one, status: 'success' }))
    const result = await (await groupEngine(shelves, { history })).rollBack()
    expect(serving(shelves)).toEqual(['1.2.0', '1.2.0', '1.1.0'])
    // c got 1.2.0 last.
    expect(result.mixture).toMatchObject({ from: '2026-03-18T14:31:00.000Z', until: '2026-03-18T14:32:00.000Z' })
    expect(result.state).toContain('served together before, for 1m 0s until')
  })

  test('on_failure undo takes back what had switched', async () => {
    const shelves = three({ a: failsAtSwitch })
    const result = await (await groupEngine(shelves, { settings: { onFailure: 'undo' } })).rollBack()
    expect(outcomes(result)).toEqual({ c: 'undone', b: 'undone', a: 'undone' })
    expect(serving(shelves)).toEqual(['1.2.0', '1.2.0', '1.2.0'])
    expect(shelves.b.log.indexOf('revert switch')).toBeGreaterThan(-1)
  })

  test('on_failure continue goes on with the others', async () => {
    const shelves = three({ c: failsAtSwitch })
    const result = await (await groupEngine(shelves, { settings: { onFailure: 'continue' } })).rollBack()
    expect(outcomes(result)).toEqual({ c: 'undone', b: 'succeeded', a: 'succeeded' })
    expect(result.outcome).toBe('undone')
  })

  test('a manual step of one does not keep the others from going back, and the whole is manual', async () => {
    const shelves = three({ c: { manual: ['Press the button'] } })
    const result = await (await groupEngine(shelves)).rollBack()
    expect(outcomes(result)).toEqual({ c: 'manual', b: 'succeeded', a: 'succeeded' })
    expect(result.outcome).toBe('manual')
  })

  test('a deployment to a waiting target keeps it as it is', async () => {
    const shelves = three()
    shelves.c.beforeStep = (_verb, step) => {
      if (step.kind === 'switch') shelves.b.serving = '1.0.0'
    }
    const result = await (await groupEngine(shelves)).rollBack()
    expect(outcomes(result)).toEqual({ c: 'succeeded', b: 'undone', a: 'cancelled' })
    expect(shelves.b.serving).toBe('1.0.0')
  })

  test('a deployment to one target makes the plan stale, and the refusal names it', async () => {
    const shelves = three()
    const engine = await groupEngine(shelves)
    const { plan } = await engine.assess()
    shelves.b.releases.push({ version: '1.3.0', id: 'sha256:1.3.0', available: { state: 'yes' } })
    shelves.b.serving = '1.3.0'
    const refused = engine.execute({ version: plan?.version ?? '', planId: plan?.id ?? '' })
    await expect(refused).rejects.toMatchObject({
      code: 'stale_plan',
      why: 'b has changed: 1.3.0 is deployed there now'
    })
    expect(await readdir(engine.group.paths.rollbacksDir).catch(() => [])).toEqual([])
  })

  test('a serious risk is accepted by its id with the name of the target', async () => {
    const risk = { id: 'migration:x', serious: true, title: 'Migrated', detail: 'down' }
    const shelves = three({ b: { risks: [risk] } })
    const engine = await groupEngine(shelves)
    await expect(engine.rollBack()).rejects.toMatchObject({ code: 'risks_not_accepted' })
    await expect(engine.rollBack({ accept: ['migration:x', 'a:migration:x'] })).rejects.toMatchObject({
      code: 'risks_not_accepted'
    })
    expect((await engine.rollBack({ accept: ['b:migration:x'] })).outcome).toBe('succeeded')
  })

  test('a dry run checks and changes nothing; no consent is asked', async () => {
    const shelves = three()
    const engine = await groupEngine(shelves)
    const consent = async () => {
      throw new Error('asked')
    }
    const result = await engine.rollBack({ dryRun: true }, { consent })
    expect(result.outcome).toBe('checked')
    expect(shelves.a.log).toEqual([])
  })

  test('is asked once, and a no begins nothing', async () => {
    const shelves = three()
    const engine = await groupEngine(shelves)
    let asked = 0
    const consent = async () => {
      asked++
      throw new Error('no')
    }
    await expect(engine.rollBack({}, { consent })).rejects.toThrow('no')
    expect(asked).toBe(1)
    expect(shelves.a.log).toEqual([])
  })

  test('a cancellation while one switches lets it end, and leaves the others', async () => {
    const shelves = three()
    const cancel = new AbortController()
    shelves.c.beforeStep = (_verb, step) => void (step.kind === 'switch' && cancel.abort())
    const result = await (await groupEngine(shelves)).rollBack({}, { cancel: cancel.signal })
    expect(outcomes(result)).toEqual({ c: 'succeeded', b: 'cancelled', a: 'cancelled' })
    expect(result.outcome).toBe('cancelled')
  })
})
