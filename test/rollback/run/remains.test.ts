import { expect, test } from 'vitest'
import { resumeOption } from '../../../src/rollback/journal/interrupted.ts'
import type { Target } from '../../../src/targets/target.ts'
import { newShelf, type Shelf, shelfTarget } from '../../../testkit/in-memory-target.ts'
import { engine } from '../engine-harness.ts'

const line = 'New versions are no longer put on the shelf by themselves.'

/** A shelf whose switch leaves something behind that a person should know. */
function leaving(shelf: Shelf): Target {
  const target = shelfTarget(shelf)
  return {
    ...target,
    async apply(step, run) {
      const result = await target.apply(step, run)
      return step.kind === 'switch' ? { ...result, remains: [line] } : result
    }
  }
}

test('what a step leaves behind is said of a rollback that succeeds', async () => {
  const shelf = newShelf()
  const { rollBack } = await engine(shelf, { target: leaving(shelf) })
  expect(await rollBack()).toMatchObject({ outcome: 'succeeded', remains: [line] })
})

test('what a step leaves behind is said of a rollback that stays unverified', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'down', '1.1.0': 'unknown' } })
  const { rollBack } = await engine(shelf, { target: leaving(shelf) })
  const { outcome, remains } = await rollBack()
  expect(outcome).toBe('unverified')
  expect(remains).toContain(line)
})

test('what a step that was undone would have left behind is not said', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'down' } })
  const { rollBack } = await engine(shelf, { target: leaving(shelf) })
  const { outcome, remains } = await rollBack()
  expect(outcome).toBe('undone')
  expect(remains).not.toContain(line)
})

test('what a step left behind before the process died is said by whoever finishes the rollback', async () => {
  const shelf = newShelf()
  const { assess, rollBack } = await engine(shelf, { target: leaving(shelf) })
  const first = await rollBack({}, { report: dieAt('Health check') }).catch(() => null)
  expect(first).toBeNull()
  const { interrupted } = await assess()
  const finish = interrupted && resumeOption(interrupted, 'finish')
  const done = await rollBack({ version: finish?.version ?? '', planId: finish?.id ?? '' })
  expect(done).toMatchObject({ outcome: 'succeeded', remains: [line] })
})

/** The process ends between two lines of the journal. */
const dieAt =
  (title: string) =>
  (progress: { title: string }): void => {
    if (progress.title === title) throw new Error('killed')
  }
