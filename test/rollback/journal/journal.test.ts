import { appendFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { isUnreadable, readJournal, stepsInEffect } from '../../../src/rollback/journal/journal.ts'
import type { JournalEvent } from '../../../src/rollback/journal/journal-events.ts'
import { openJournal } from '../../../src/rollback/journal/write-journal.ts'
import { createMask } from '../../../src/support/mask.ts'
import { newShelf } from '../../../testkit/in-memory-target.ts'
import { engine, testClock } from '../engine-harness.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pop-journal-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const opened = async (mask = createMask()) => {
  const path = join(dir, 'deep', 'rb-1.jsonl')
  const journal = await openJournal(path, testClock(), mask)
  onTestFinished(() => journal.close().catch(() => undefined))
  return { path, journal }
}

/** A journal of the present format, read back. */
async function recordAt(path: string) {
  const journal = await readJournal(path)
  return journal && !isUnreadable(journal) ? journal : null
}

test('a line that could be written only in part does not spoil the one after it', async () => {
  const { path, journal } = await opened()
  await journal.append({ event: 'note', text: 'whole' })
  const { FileHandle } = await fileHandle()
  const full = vi.spyOn(FileHandle, 'appendFile').mockImplementationOnce(async () => {
    await appendFile(path, '{"event":"note","te')
    throw new Error('no space left on device')
  })
  await expect(journal.append({ event: 'note', text: 'torn' })).rejects.toThrow('no space left')
  full.mockRestore()
  await journal.append({ event: 'note', text: 'after it' })
  await journal.close()
  const lines = (await readFile(path, 'utf8')).trim().split('\n')
  expect(lines).toHaveLength(3)
  expect(JSON.parse(lines[2] ?? '')).toMatchObject({ text: 'after it' })
})

test('what is taken over from elsewhere keeps the times at which it happened', async () => {
  const { rollBack, session } = await engine(newShelf())
  const { rollbackId } = await rollBack()
  const record = await recordAt(join(session.files.journals, `${rollbackId}.jsonl`))
  const events: JournalEvent[] = (record?.events ?? []).map((event) => ({
    ...event,
    at: '2026-01-01T00:00:00.000Z'
  }))
  const { path, journal } = await opened()
  await journal.copy(events)
  await journal.close()
  expect(new Set((await recordAt(path))?.events.map(({ at }) => at))).toEqual(new Set(['2026-01-01T00:00:00.000Z']))
})

for (const secret of ['switch', 'started', 'shelf', 'succeeded', '1.2.0-live', '2026-03-18'])
  test(`a journal keeps what identifies something, though a secret is "${secret}"`, async () => {
    const { rollBack, session } = await engine(newShelf())
    session.mask.add(secret)
    const { rollbackId } = await rollBack()
    const record = await recordAt(join(session.files.journals, `${rollbackId}.jsonl`))
    expect(record?.ended?.outcome).toBe('succeeded')
    expect(record?.events.filter(({ event }) => event === 'step')).toHaveLength(6)
    expect([...(record ? stepsInEffect(record) : []).keys()]).toEqual(['fetch', 'switch', 'clean'])
    expect(record?.events.every(({ at }) => at.startsWith('2026-03-18T'))).toBe(true)
  })

test('the free text of a journal is masked', async () => {
  const mask = createMask()
  const { path, journal } = await opened(mask)
  mask.add('hunter2-live')
  await journal.append({
    event: 'step',
    stepId: 'a',
    state: 'failed',
    detail: 'hunter2-live',
    remains: ['hunter2-live']
  })
  await journal.append({ event: 'revert', stepId: 'a', state: 'failed', detail: 'hunter2-live' })
  const check = { id: 'look', title: 'hunter2-live', status: 'fail' as const, detail: 'hunter2-live' }
  await journal.append({ event: 'checks', checks: [check] })
  const item = { title: 'hunter2-live', source: 'hunter2-live', text: 'hunter2-live' }
  await journal.append({ event: 'evidence', item })
  await journal.append({ event: 'findings', findings: ['hunter2-live'], events: [{ ...item, at: '2026-03-18' }] })
  await journal.append({ event: 'note', text: 'hunter2-live' })
  const remains = ['hunter2-live']
  await journal.append({ event: 'ended', outcome: 'stuck', durationMs: 1, state: 'hunter2-live is in place', remains })
  await journal.close()
  expect(await readFile(path, 'utf8')).not.toContain('hunter2')
})

test('a device in a journal’s place is not read', async () => {
  await expect(readJournal('/dev/zero')).rejects.toThrow('no regular file')
})

async function fileHandle() {
  const { open } = await import('node:fs/promises')
  const handle = await open('/dev/null')
  const FileHandle = Object.getPrototypeOf(handle) as { appendFile(text: string): Promise<void> }
  await handle.close()
  return { FileHandle }
}

test('a link in the place of a journal is neither written through nor read', async () => {
  const elsewhere = join(dir, 'private')
  await writeFile(elsewhere, '{"event":"begun"}\n')
  const path = join(dir, 'rb-1.jsonl')
  await symlink(elsewhere, path)
  await expect(openJournal(path, testClock(), createMask())).rejects.toMatchObject({ code: 'journal_unwritable' })
  await expect(readJournal(path)).rejects.toThrow('no regular file')
  expect(await readFile(elsewhere, 'utf8')).toBe('{"event":"begun"}\n')
})
