import { rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { GroupResumeOption } from '../../../src/rollback/group/interrupted-group.ts'
import { newShelf, type Shelf } from '../../../testkit/in-memory-target.ts'
import { type GroupEngine, groupEngine } from './group-harness.ts'

/** Breaks off for good at a step, as a process that is killed does; its locks are those of a dead process then. */
async function killedAt(shelves: Record<string, Shelf>, target: string, stepId: string, when: 'before' | 'after') {
  const engine = await groupEngine(shelves)
  const shelf = shelves[target]
  if (!shelf) throw new Error(`no ${target}`)
  await new Promise<void>((resolve) => {
    shelf.beforeStep = (verb, step) => {
      if (verb !== 'apply' || step.id !== stepId) return
      if (when === 'after' && step.kind === 'switch') shelf.serving = '1.1.0'
      resolve()
      return new Promise(() => undefined)
    }
    void engine.rollBack()
  })
  for (const one of Object.values(shelves)) delete one.beforeStep
  const { paths } = engine.group
  for (const lock of [paths.groupLock, ...Object.keys(shelves).map(paths.lockFile)]) await rm(lock, { force: true })
  return groupEngine(shelves, { dir: engine.group.project.projectDir })
}

const option = async (engine: GroupEngine, kind: string): Promise<GroupResumeOption> => {
  const found = (await engine.assess()).interrupted?.options.find((one) => one.kind === kind)
  if (!found) throw new Error(`no option to ${kind}`)
  return found
}

const resume = async (engine: GroupEngine, kind: string) => {
  const { id, version } = await option(engine, kind)
  return engine.execute({ planId: id, version })
}

const serving = (shelves: Record<string, Shelf>) => Object.values(shelves).map((shelf) => shelf.serving)
const three = () => ({ a: newShelf(), b: newShelf(), c: newShelf() })

describe.each([
  ['before any switch', 'c', 'switch', 'before'],
  ['within the first switch', 'c', 'switch', 'after'],
  ['within the second', 'b', 'switch', 'before'],
  ['within the last', 'a', 'switch', 'after'],
  ['within the cleanup', 'b', 'clean', 'before']
] as const)('killed %s', (_title, target, step, when) => {
  test('the next assessment tells of each target, and finishing ends with all back', async () => {
    const shelves = three()
    const engine = await killedAt(shelves, target, step, when)
    const { interrupted, plan } = await engine.assess()
    expect(plan).toBeNull()
    expect(interrupted?.lines).toHaveLength(3)
    const result = await resume(engine, 'finish')
    expect(result.outcome).toBe('succeeded')
    expect(serving(shelves)).toEqual(['1.1.0', '1.1.0', '1.1.0'])
    expect((await engine.assess()).interrupted).toBeNull()
  })

  // Cleaned up, it is proven, and no longer undone.
  if (step === 'clean') return

  test('undoing ends with all as they were', async () => {
    const shelves = three()
    const engine = await killedAt(shelves, target, step, when)
    const result = await resume(engine, 'undo')
    expect(result.outcome).toBe('undone')
    expect(result.title).toContain('UNDONE as asked')
    expect(serving(shelves)).toEqual(['1.2.0', '1.2.0', '1.2.0'])
    expect((await engine.assess()).interrupted).toBeNull()
  })

  test('closing changes nothing', async () => {
    const shelves = three()
    const engine = await killedAt(shelves, target, step, when)
    const before = serving(shelves)
    const result = await resume(engine, 'close')
    expect(result.outcome).toBe('cancelled')
    expect(serving(shelves)).toEqual(before)
    expect((await engine.assess()).interrupted).toBeNull()
  })
})

test('an option of another state is refused with the options of now', async () => {
  const shelves = three()
  const engine = await killedAt(shelves, 'b', 'switch', 'before')
  const { id, version } = await option(engine, 'finish')
  shelves.a.serving = '1.0.0'
  await expect(engine.execute({ planId: id, version })).rejects.toMatchObject({ code: 'interrupted' })
  const { interrupted } = await engine.assess()
  expect(interrupted?.options.map(({ kind }) => kind)).toEqual(['close'])
  expect(interrupted?.reasons.join(' ')).toContain('a: 1.0.0 is deployed since')
})

test('a dry run of an option changes nothing', async () => {
  const shelves = three()
  const engine = await killedAt(shelves, 'b', 'switch', 'before')
  const { id, version } = await option(engine, 'finish')
  expect((await engine.execute({ planId: id, version, dryRun: true })).outcome).toBe('checked')
  expect(serving(shelves)).toEqual(['1.2.0', '1.2.0', '1.1.0'])
})
