import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newShelf, type Shelf } from '../../../testkit/in-memory-target.ts'
import { type Engine, engine } from '../engine-harness.ts'

const dayMs = 24 * 3_600_000

/** A clone of the project in which another machine's journal was committed before it ended, with the target as it is by now. */
async function cloneWith(shelf: Shelf, ageMs: number): Promise<Engine> {
  const elsewhere = await engine(newShelf())
  await elsewhere.rollBack()
  const { journals } = elsewhere.session.files
  const [name = ''] = (await readdir(journals)).filter((entry) => entry.endsWith('.jsonl'))
  const lines = (await readFile(join(journals, name), 'utf8')).trimEnd().split('\n')
  const cut = lines.filter((line) => !line.includes('"event":"ended"') && !line.includes('"event":"checks"'))
  const foreign = cut.map((line) => line.replace(/"host":"[^"]*"/, '"host":"another-machine"'))
  await writeFile(join(journals, name), `${foreign.join('\n')}\n`)
  const clone = await engine(shelf)
  clone.session.files = elsewhere.session.files
  clone.clock.advance(ageMs)
  return clone
}

test('an old journal of another machine does not block where what serves is healthy', async () => {
  const { assess } = await cloneWith(newShelf({ serving: '1.1.0' }), 2 * dayMs)
  const { interrupted, notes } = await assess()
  expect(interrupted).toBeNull()
  expect(notes.join()).toMatch(/rb-\S+, begun at \S+ on another-machine, never ended .* 1\.1\.0 is healthy/)
})

test('nor where another version was deployed since, whatever its health', async () => {
  const { assess } = await cloneWith(newShelf({ serving: '1.0.0', health: { '1.0.0': 'down' } }), 2 * dayMs)
  const { interrupted, notes } = await assess()
  expect(interrupted).toBeNull()
  expect(notes.join()).toContain('1.0.0 is deployed now')
})

test('it blocks while it is young, while the target bears its mark, and while what it left does not serve', async () => {
  const young = await cloneWith(newShelf({ serving: '1.1.0' }), dayMs / 2)
  expect((await young.assess()).interrupted).not.toBeNull()

  const broken = await cloneWith(newShelf({ serving: '1.1.0', health: { '1.1.0': 'down' } }), 2 * dayMs)
  const { interrupted } = await broken.assess()
  expect(interrupted).not.toBeNull()

  const shelf = newShelf({ serving: '1.1.0' })
  const marked = await cloneWith(shelf, 2 * dayMs)
  const holder = { host: 'another-machine', pid: 1, user: 'ann' }
  const [name = ''] = await readdir(marked.session.files.journals)
  const record = { rollbackId: name.replace('.jsonl', ''), holder, startedAt: '2026-03-18T14:35:00.000Z', begun: {} }
  shelf.lease = { record, expired: true }
  expect((await marked.assess()).interrupted).not.toBeNull()
})
