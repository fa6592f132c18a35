import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openJournal, readJournal } from '../../../src/rollback/journal/journal.ts'
import type { JournalEvent } from '../../../src/rollback/journal/journal-events.ts'
import { createMask } from '../../../src/support/mask.ts'
import { engine, testClock } from '../engine-harness.ts'
import { newShelf } from '../shelf-target.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pop-journal-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const opened = async () => {
  const path = join(dir, 'deep', 'rb-1.jsonl')
  return { path, journal: await openJournal(path, testClock(), createMask()) }
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
  const journalRecord = await readJournal(join(session.files.journals, `${rollbackId}.jsonl`))
  const events: JournalEvent[] = (journalRecord?.events ?? []).map((event) => ({
    ...event,
    at: '2026-01-01T00:00:00.000Z'
  }))
  const { path, journal } = await opened()
  await journal.copy(events)
  await journal.close()
  expect(new Set((await readJournal(path))?.events.map(({ at }) => at))).toEqual(new Set(['2026-01-01T00:00:00.000Z']))
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
