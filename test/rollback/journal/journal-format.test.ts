import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { journalById } from '../../../src/rollback/journal/journal.ts'
import { newShelf } from '../../../testkit/in-memory-target.ts'
import { type Engine, engine } from '../engine-harness.ts'

const id = 'rb-20260318-120000-shelf'
const old = { event: 'begun', at: '2026-03-18T12:00:00.000Z', rollback_id: id, target: 'shelf', steps: [] }
const ended = { event: 'ended', at: '2026-03-18T12:01:00.000Z', outcome: 'restored' }

/** A project with a journal of an older version in it. */
async function withJournal(...events: object[]): Promise<Engine & { path: string }> {
  const project = await engine(newShelf())
  const { journals } = project.session.files
  const path = join(journals, `${id}.jsonl`)
  await mkdir(journals, { recursive: true })
  await writeFile(path, events.map((event) => `${JSON.stringify(event)}\n`).join(''))
  return { ...project, path }
}

test('an unfinished journal of another format blocks a rollback, and says which file and what to do', async () => {
  const { assess, rollBack, path } = await withJournal(old)
  const { blockers, interrupted } = await assess()
  expect(interrupted).toBeNull()
  expect(blockers).toMatchObject([
    {
      id: 'journal_format',
      what: expect.stringContaining(path),
      why: expect.stringContaining('another version'),
      next: expect.stringMatching(/^Check what serves\. .* Then close it: mv /)
    }
  ])
  await expect(rollBack()).rejects.toMatchObject({ code: 'journal_format' })
})

test('an unfinished journal of another format is closed by the command that its blocker names', async () => {
  const { assess, rollBack } = await withJournal(old)
  const [command = ''] = /mv .*$/.exec((await assess()).blockers[0]?.next ?? '') ?? []
  await promisify(execFile)('sh', ['-c', command])
  expect((await assess()).blockers).toEqual([])
  expect((await rollBack()).outcome).toBe('succeeded')
})

test('an ended journal of another format is named and does not block', async () => {
  const { assess, rollBack, path } = await withJournal(old, ended)
  const { notes, blockers } = await assess()
  expect(blockers).toEqual([])
  expect(notes.join()).toContain(`The journal ${path} was not used`)
  expect((await rollBack()).outcome).toBe('succeeded')
})

test('a journal of another format of another target is no concern', async () => {
  const { assess } = await withJournal({ ...old, target: 'web' })
  expect((await assess()).blockers).toEqual([])
})

test('a rollback whose journal has another format is refused by its id', async () => {
  const { session } = await withJournal(old, ended)
  await expect(journalById(session.files.journals, id)).rejects.toMatchObject({ code: 'journal_format' })
})

test('a lease of another format that has expired blocks a rollback, and names its holder', async () => {
  const holder = { host: 'elsewhere', pid: 1, user: 'ann' }
  const record = { rollbackId: id, holder, startedAt: old.at, begun: { event: 'begun', rollback_id: id } }
  const { assess } = await engine(newShelf({ lease: { record, expired: true } }), { leases: true })
  const [blocker] = (await assess()).blockers
  expect(blocker).toMatchObject({ id: 'lease_format', next: expect.stringContaining('ann on elsewhere') })
})

test('a new journal says its format in its first line', async () => {
  const { rollBack, session } = await engine(newShelf())
  const { rollbackId } = await rollBack()
  const [first = ''] = (await readFile(join(session.files.journals, `${rollbackId}.jsonl`), 'utf8')).split('\n')
  expect(JSON.parse(first)).toMatchObject({ event: 'begun', format: 2 })
})
