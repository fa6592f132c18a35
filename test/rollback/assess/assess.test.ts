import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { assess } from '../../../src/rollback/assess/assess.ts'
import { readJournals } from '../../../src/rollback/journal/journal.ts'
import { newShelf, shelfTarget } from '../../../testkit/in-memory-target.ts'
import { engine, success } from '../engine-harness.ts'

test('a version that a rollback left is not recommended again when the way ended stuck', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'down', '1.1.0': 'degraded', '1.0.0': 'unknown' } })
  const history = [success('1.2.0', '2026-03-18T14:30:00.000Z'), success('1.1.0', '2026-03-10T12:00:00.000Z')]
  const { rollBack, assess } = await engine(shelf, { history })
  expect((await rollBack()).outcome).toBe('stuck')
  expect(shelf.serving).toBe('1.1.0')
  const { recommended, candidates } = await assess()
  expect(recommended).toBeNull()
  expect(candidates.find(({ release }) => release.version === '1.2.0')).toMatchObject({
    good: false,
    evidenceAgainst: [expect.stringMatching(/^rolled back from at .* \(rb-/)]
  })
})

test('a version that was rolled back from stays so where deploy.json lost the record', async () => {
  const shelf = newShelf()
  const history = [success('1.2.0', '2026-03-18T14:30:00.000Z'), success('1.1.0', '2026-03-10T12:00:00.000Z')]
  const { rollBack, assess, clock } = await engine(shelf, { history })
  expect((await rollBack()).outcome).toBe('succeeded')
  clock.advance(60_000)
  expect((await assess()).recommended).toBeNull()
})

test('a rollback that was undone leaves nothing behind', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'down' } })
  const history = [success('1.2.0', '2026-03-18T14:30:00.000Z'), success('1.1.0', '2026-03-10T12:00:00.000Z')]
  const { rollBack, assess } = await engine(shelf, { history })
  expect((await rollBack()).outcome).toBe('undone')
  shelf.serving = '1.0.0'
  expect((await assess()).recommended?.release.version).toBe('1.2.0')
})

test('versions stay readable where the environment of what serves holds them, too', async () => {
  const { assess, session } = await engine(newShelf())
  session.mask.addVariable('BUILD', 'sha256:1.1.0')
  const { recommended } = await assess()
  expect(session.mask.data(recommended?.release)).toMatchObject({ version: '1.1.0', id: 'sha256:1.1.0' })
})

test('a diagnosis that fails is named, and the plan is made without it', async () => {
  const shelf = newShelf()
  const target = shelfTarget(shelf)
  const { session } = await engine(shelf, {
    target: {
      ...target,
      diagnose: async () => {
        throw new Error('the log of hunter2hunter2 is away')
      }
    }
  })
  session.mask.add('hunter2hunter2')
  const assessment = await assess(session, { investigate: true, signal: AbortSignal.timeout(10_000) })
  expect(assessment).toMatchObject({ diagnosis: null, recommended: { release: { version: '1.1.0' } } })
  expect(assessment.notes).toContain('The diagnosis failed: the log of *** is away')
})

test('a secret across the cut of a log, a finding or an error leaves nothing of itself in assessment and journal', async () => {
  const secret = 'correct-horse-battery-staple'
  const pad = 'x'.repeat(285)
  const shelf = newShelf({
    beforeStep: () => {
      throw new Error(`${pad} ${secret}`)
    }
  })
  const { session, rollBack } = await engine(shelf, {
    target: {
      ...shelfTarget(shelf),
      diagnose: async () => ({
        findings: [`${pad} ${secret}`],
        events: [],
        evidence: [{ title: 'Log', source: 'shelf', text: `${secret} ${'y'.repeat(7990)}` }]
      })
    }
  })
  session.mask.add(secret)
  const { diagnosis } = await assess(session, { investigate: true, signal: AbortSignal.timeout(10_000) })
  await rollBack()
  const [journalRecord] = (await readJournals(session.files.journals)).records
  const written = JSON.stringify(diagnosis) + (await readFile(journalRecord?.path ?? '', 'utf8'))
  expect(written).toContain('yyyy')
  expect(written).not.toMatch(/corr|horse|batt|staple/)
})
