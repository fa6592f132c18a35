import { chmod, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { journalById, readJournals } from '../../../src/rollback/journal/journal.ts'
import type { Begun } from '../../../src/rollback/journal/journal-events.ts'
import type { Journal } from '../../../src/rollback/journal/write-journal.ts'
import { carryOut } from '../../../src/rollback/run/carry-out.ts'
import { recordManualRollback } from '../../../src/rollback/run/conclude.ts'
import type { Progress } from '../../../src/rollback/run/result.ts'
import { rollbackRun } from '../../../src/rollback/run/rollback-run.ts'
import { verify } from '../../../src/rollback/verify.ts'
import { fingerprint } from '../../../src/support/canonical.ts'
import { TargetError } from '../../../src/support/errors.ts'
import { newShelf, type Shelf } from '../../../testkit/in-memory-target.ts'
import { engine, failed, goodHistory, success } from '../engine-harness.ts'

test('a rollback carries out the plan, proves it, and records it', async () => {
  const shelf = newShelf()
  const { rollBack, records, session } = await engine(shelf)
  const result = await rollBack()
  expect(result).toMatchObject({ outcome: 'succeeded', from: { version: '1.2.0' }, to: { version: '1.1.0' } })
  expect(shelf.serving).toBe('1.1.0')
  expect(shelf.log).toEqual(['apply fetch', 'apply switch', 'apply clean'])
  expect(records).toMatchObject([
    {
      version: '1.2.0',
      status: 'rolled_back',
      rollbackTo: '1.1.0',
      digest: 'sha256:1.2.0',
      rollbackToDigest: 'sha256:1.1.0',
      outcome: 'succeeded'
    }
  ])
  const [record] = (await readJournals(session.files.journals)).records
  expect(record?.ended?.outcome).toBe('succeeded')
  expect(await readdir(session.files.journals)).toHaveLength(1)
})

test('undoing twice does not return to the broken version', async () => {
  const shelf = newShelf()
  const first = await engine(shelf)
  await first.rollBack()
  shelf.health['1.1.0'] = 'down'
  const history = [
    {
      at: '2026-03-18T14:36:00.000Z',
      target: 'shelf',
      version: '1.2.0',
      status: 'rolled_back',
      rollbackTo: '1.1.0',
      outcome: 'succeeded'
    },
    ...goodHistory
  ]
  const second = await engine(shelf, { history })
  const { recommended } = await second.assess()
  expect(recommended?.release.version).toBe('1.0.0')
})

test('a plan made stale by a change on the target is refused, with what changed', async () => {
  const shelf = newShelf()
  const { assess, rollBack } = await engine(shelf)
  const { plan } = await assess()
  shelf.extraFingerprint = { template: 'changed' }
  await expect(rollBack({ planId: plan?.id ?? '' })).rejects.toMatchObject({
    code: 'stale_plan',
    message: expect.stringContaining('the target was changed')
  })
  expect(shelf.log).toEqual([])
})

test('a deployment between the question and the first step is noticed', async () => {
  const shelf = newShelf()
  const { rollBack } = await engine(shelf)
  const deployedMeanwhile = async () => {
    shelf.extraFingerprint = { template: 'changed' }
  }
  await expect(rollBack({}, { consent: deployedMeanwhile })).rejects.toMatchObject({ code: 'stale_plan' })
  expect(shelf.log).toEqual([])
})

test('a switch that fails its checks is undone towards the state that served better', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'down' } })
  const { rollBack } = await engine(shelf)
  const result = await rollBack()
  expect(result.outcome).toBe('undone')
  expect(shelf.serving).toBe('1.2.0')
  expect(shelf.log.slice(-2)).toEqual(['revert switch', 'revert fetch'])
})

test('a failed switch is not undone towards a state that served worse', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'down', '1.1.0': 'degraded' } })
  const { rollBack } = await engine(shelf)
  const result = await rollBack()
  expect(result.outcome).toBe('stuck')
  expect(shelf.serving).toBe('1.1.0')
  expect(result.state).toContain('the earlier state was down, which is no better')
  expect(result.remains.join('\n')).toContain('shelf unswitch')
})

test('a switch that fails half way and stays names what to do before it is tried again', async () => {
  const shelf = newShelf({
    health: { '1.2.0': 'down', '1.1.0': 'degraded' },
    beforeStep: (verb, { id }) => {
      if (verb !== 'apply' || id !== 'switch') return
      shelf.serving = '1.1.0'
      throw new TargetError({ what: 'The switch failed', why: 'it is locked', next: 'Run "shelf unlock".' })
    }
  })
  const { rollBack } = await engine(shelf)
  expect(await rollBack()).toMatchObject({
    outcome: 'stuck',
    remains: expect.arrayContaining(['Failed: Switching. First: Run "shelf unlock". Then manually: shelf switch'])
  })
})

test('a switch that fails before it changes anything leaves nothing to do', async () => {
  const shelf = newShelf({
    health: { '1.2.0': 'healthy', '1.1.0': 'healthy' },
    beforeStep: (verb, { id }) => {
      if (verb === 'apply' && id === 'switch') throw new Error('no right to do it')
    }
  })
  const { rollBack } = await engine(shelf)
  const result = await rollBack()
  expect(result.outcome).toBe('undone')
  expect(result.state).toContain('no right to do it')
  expect(result.remains).toEqual([])
})

test.each([
  ['more instances served before', { before: 3, now: 2, mixed: false }, 'undone'],
  ['as many served before, and it is a mixture now', { before: 2, now: 2, mixed: true }, 'undone'],
  ['as many served before, and it is all of one version now', { before: 2, now: 2, mixed: false }, 'stuck'],
  ['instances serve that did not before', { before: 0, now: 1, mixed: true }, 'stuck']
] as const)('of two degraded states: %s', async (_, { before, now, mixed }, outcome) => {
  const shelf = newShelf({
    health: { '1.2.0': 'degraded', '1.1.0': 'degraded' },
    instances: { '1.2.0': before, '1.1.0': now }
  })
  const { rollBack } = await engine(shelf)
  shelf.checked = { '1.1.0': 'down' }
  shelf.beforeStep = (verb, { id }) => {
    if (mixed && verb === 'apply' && id === 'switch') shelf.mixedReleases = true
  }
  const result = await rollBack()
  expect(result.outcome, result.state).toBe(outcome)
  expect(shelf.serving).toBe(outcome === 'undone' ? '1.2.0' : '1.1.0')
  if (now > before) expect(result.state).toContain('fewer instances served before (0 of 4) than now (1 of 4)')
})

test('unknown is no reason to undo', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'unknown' } })
  const { rollBack } = await engine(shelf)
  const result = await rollBack()
  expect(result.outcome).toBe('unverified')
  expect(shelf.serving).toBe('1.1.0')
  expect(shelf.log).not.toContain('apply clean')
})

test('where neither version serves, the earlier one is put back and a person is called', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'down', '1.1.0': 'down' } })
  const { rollBack } = await engine(shelf)
  const result = await rollBack()
  expect(result.outcome).toBe('stuck')
  expect(shelf.serving).toBe('1.2.0')
  expect(result.state).toContain('does not serve either')
})

test('failed cleanup never undoes a switch; it is named under what remains', async () => {
  const shelf = newShelf({
    beforeStep: (_, { id }) => {
      if (id === 'clean') throw new Error('the broom is broken')
    }
  })
  const { rollBack } = await engine(shelf)
  const result = await rollBack()
  expect(result.outcome).toBe('succeeded')
  expect(result.remains.join()).toContain('shelf clean')
  expect(shelf.serving).toBe('1.1.0')
})

test('a failed preparation is taken back and nothing that serves was touched', async () => {
  const shelf = newShelf({
    beforeStep: (verb, { id }) => {
      if (verb === 'apply' && id === 'fetch') throw new Error('no such thing')
    }
  })
  const { rollBack } = await engine(shelf)
  const result = await rollBack()
  expect(result.outcome).toBe('undone')
  expect(shelf.log).toEqual(['apply fetch', 'revert fetch'])
})

test('a failing undo stops, and the commands that remain are named', async () => {
  const shelf = newShelf({
    health: { '1.2.0': 'healthy', '1.1.0': 'down' },
    beforeStep: (verb, { id }) => {
      if (verb === 'revert' && id === 'switch') throw new Error('jammed')
    }
  })
  const { rollBack } = await engine(shelf, { history: goodHistory })
  const result = await rollBack()
  expect(result.outcome).toBe('stuck')
  expect(result.remains.join()).toContain('shelf unswitch')
  expect(result.remains.join()).toContain('shelf unfetch')
})

test('where no journal can be written, nothing is begun', async () => {
  const shelf = newShelf()
  const { rollBack, session } = await engine(shelf)
  session.files = { ...session.files, journals: '/dev/null/nowhere', lock: '/dev/null/nowhere/lock' }
  await expect(rollBack()).rejects.toMatchObject({ fault: 'config' })
  expect(shelf.log).toEqual([])
})

test('of two rollbacks at once, one runs', async () => {
  const shelf = newShelf()
  const one = await engine(shelf)
  shelf.beforeStep = () => new Promise((done) => setTimeout(done, 100))
  const results = await Promise.allSettled([one.rollBack(), one.rollBack()])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(results.find((result) => result.status === 'rejected')).toMatchObject({ reason: { code: 'locked' } })
})

test('while one runs, another call of the same process is told so', async () => {
  const shelf = newShelf()
  const { rollBack, assess } = await engine(shelf)
  let seen: string[] = []
  shelf.beforeStep = async (_, { id }) => {
    if (id === 'switch') seen = (await assess()).blockers.map((blocker) => blocker.id)
  }
  await rollBack()
  expect(seen).toEqual(['running'])
})

test('a health check that passes and then fails within the soak is no success', async () => {
  const shelf = newShelf({
    health: { '1.2.0': 'degraded', '1.1.0': 'down' },
    healthAtLook: (_, look) => (look < 5 ? 'healthy' : 'down')
  })
  const { rollBack } = await engine(shelf)
  const result = await rollBack()
  expect(result.outcome).toBe('undone')
  expect(shelf.looks).toBe(5)
})

test('what only a person can do ends manual, with the instructions', async () => {
  const shelf = newShelf({ manual: ['Open the page', 'Press the button'] })
  const { rollBack, records } = await engine(shelf)
  const result = await rollBack()
  expect(result).toMatchObject({ outcome: 'manual', instructions: ['Open the page', 'Press the button'] })
  expect(records).toEqual([])
})

test('a rollback that a person was left to do is recorded once it is proven, and once only', async () => {
  const shelf = newShelf({ manual: ['Press the button'] })
  const { rollBack, records, session } = await engine(shelf)
  const rollbackId = (await rollBack()).rollbackId ?? ''
  const record = await journalById(session.files.journals, rollbackId)
  const signal = AbortSignal.timeout(10_000)
  const unrecorded = async () => (await verify(session, { rollbackId, soakMs: 0, signal })).unrecorded
  await expect(recordManualRollback(session, record, signal)).rejects.toMatchObject({ code: 'not_proven' })
  expect(records).toEqual([])
  shelf.serving = '1.1.0'
  expect(await unrecorded()).toBe(true)
  expect(await recordManualRollback(session, record, signal)).toBe(true)
  expect(records).toMatchObject([{ version: '1.2.0', status: 'rolled_back', rollbackTo: '1.1.0', rollbackId }])
  const history = [{ at: record.begun.at, target: 'shelf', version: '1.2.0', status: 'rolled_back', rollbackId }]
  expect(await recordManualRollback({ ...session, history }, record, signal)).toBe(false)
  expect((await verify({ ...session, history }, { rollbackId, soakMs: 0, signal })).unrecorded).toBe(false)
  expect(records).toHaveLength(1)
})

test('a rollback that was not manual is not recorded as manual', async () => {
  const { rollBack, records, session } = await engine(newShelf())
  const rollbackId = (await rollBack()).rollbackId ?? ''
  const record = await journalById(session.files.journals, rollbackId)
  await expect(recordManualRollback(session, record, AbortSignal.timeout(10_000))).rejects.toMatchObject({
    code: 'not_manual'
  })
  expect(records).toHaveLength(1)
})

test('a version that a person rolled back from manually, as instructed, is not recommended again', async () => {
  const shelf = newShelf({ manual: ['Press the button'] })
  const { rollBack, assess, clock } = await engine(shelf, { history: [success('1.2.0', '2026-03-18T13:00:00.000Z')] })
  await rollBack({ version: '1.1.0', accept: ['unverified:1.1.0'] })
  const versionOf = async () => (await assess()).candidates.find(({ release }) => release.version === '1.2.0')
  clock.advance(60_000)
  shelf.serving = '1.1.0'
  expect(await versionOf()).toMatchObject({
    good: false,
    evidenceAgainst: [expect.stringMatching(/^rolled back from manually at /)]
  })
  expect((await assess()).recommended).toBeNull()
})

test('a declined question begins nothing', async () => {
  const shelf = newShelf()
  const { rollBack, session } = await engine(shelf)
  const declined = Promise.reject(new Error('declined'))
  declined.catch(() => undefined)
  await expect(rollBack({}, { consent: () => declined })).rejects.toThrow('declined')
  expect(shelf.log).toEqual([])
  expect((await readJournals(session.files.journals)).records).toEqual([])
})

test('a serious risk is accepted by id or the rollback is refused', async () => {
  const shelf = newShelf({
    risks: [{ id: 'moved', serious: true, title: 'The tag moved', detail: 'to another digest' }]
  })
  const { rollBack } = await engine(shelf)
  await expect(rollBack()).rejects.toMatchObject({
    code: 'risks_not_accepted',
    message: expect.stringContaining('moved')
  })
  expect((await rollBack({ accept: ['moved'] })).outcome).toBe('succeeded')
})

test('a dry run checks and changes nothing, the journal folder included', async () => {
  const shelf = newShelf()
  const { rollBack, session } = await engine(shelf)
  const result = await rollBack({ dryRun: true })
  expect(result).toMatchObject({ outcome: 'checked', dryRun: true, rollbackId: null })
  expect(result.steps.map(({ state }) => state)).toEqual(['checked', 'checked', 'checked'])
  expect(shelf.log).toEqual([])
  await expect(readdir(session.files.journals)).rejects.toThrow()
})

test('a dry run needs no risk to be accepted, and names those that must be', async () => {
  const shelf = newShelf({
    risks: [{ id: 'moved', serious: true, title: 'The tag moved', detail: 'to another digest' }]
  })
  const { rollBack } = await engine(shelf)
  expect((await rollBack({ dryRun: true })).state).toContain(
    'Serious risks to accept, one by one: The tag moved (moved)'
  )
  expect((await rollBack({ dryRun: true, accept: ['moved'] })).state).not.toContain('moved')
  expect(shelf.log).toEqual([])
})

test('cancelling before the switch takes the preparations back', async () => {
  const shelf = newShelf()
  const { rollBack } = await engine(shelf)
  const cancel = new AbortController()
  shelf.beforeStep = (_, { id }) => {
    if (id === 'fetch') cancel.abort()
  }
  const result = await rollBack({}, { cancel: cancel.signal })
  expect(result.outcome).toBe('cancelled')
  expect(shelf.log).toEqual(['apply fetch', 'revert fetch'])
})

test('cancelling after the switch has begun does not leave the target half finished', async () => {
  const shelf = newShelf()
  const { rollBack } = await engine(shelf)
  const cancel = new AbortController()
  shelf.beforeStep = (_, { id }) => {
    if (id === 'switch') cancel.abort()
  }
  expect((await rollBack({}, { cancel: cancel.signal })).outcome).toBe('succeeded')
})

test('a fourth attempt within the hour needs its risk accepted', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'down', '1.0.0': 'down' } })
  const { rollBack, assess } = await engine(shelf)
  for (const version of ['1.1.0', '1.1.0', '1.1.0']) {
    const { risks } = await assess(version)
    await rollBack({ version, accept: risks.map(({ id }) => id) })
  }
  await expect(rollBack({ version: '1.0.0' })).rejects.toMatchObject({ code: 'risks_not_accepted' })
  expect((await assess('1.0.0')).risks.map(({ id }) => id)).toContain('attempts')
})

test('a version that a rollback could not bring up is not recommended again', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'down', '1.0.0': 'healthy' } })
  const { rollBack, assess } = await engine(shelf)
  expect((await rollBack()).outcome).toBe('undone')
  expect((await assess()).recommended?.release.version).toBe('1.0.0')
})

test('a rollback that failed for another reason says nothing about its candidate', async () => {
  const shelf = newShelf()
  const { rollBack, assess } = await engine(shelf)
  shelf.beforeStep = (verb, { id }) => {
    if (verb === 'apply' && id === 'switch') throw new Error('the network is away')
  }
  await rollBack()
  expect((await assess()).recommended?.release.version).toBe('1.1.0')
})

test('progress tells each step and the health check in order', async () => {
  const shelf = newShelf()
  const { rollBack } = await engine(shelf)
  const told: Progress[] = []
  await rollBack({}, { report: (progress) => told.push(progress) })
  expect(
    told.filter(({ state }) => state === 'done').map(({ index, total, title }) => `${index}/${total} ${title}`)
  ).toEqual(['1/4 Fetching', '2/4 Switching', '3/4 Health check', '4/4 Cleaning'])
})

test('progress says that the candidate serves as soon as it does, before the soak and the cleanup', async () => {
  const shelf = newShelf()
  const { rollBack } = await engine(shelf)
  const told: Progress[] = []
  await rollBack({}, { report: (progress) => told.push(progress) })
  const at = told.findIndex(({ state }) => state === 'serving')
  expect(told[at]?.detail).toMatch(/^1\.1\.0 serves since \d\d:\d\d:\d\d UTC; watching it for /)
  expect(told.filter(({ state }) => state === 'serving')).toHaveLength(1)
  expect(told.slice(0, at).every(({ state }) => state === 'started' || state === 'done')).toBe(true)
  expect(told[at + 1]).toMatchObject({ title: 'Health check', state: 'working' })
})

test('secrets that reach an error message are masked in the journal', async () => {
  const shelf = newShelf({
    beforeStep: () => {
      throw new Error('login with hunter2hunter2 refused')
    }
  })
  const { rollBack, session } = await engine(shelf)
  session.mask.add('hunter2hunter2')
  const result = await rollBack()
  const [record] = (await readJournals(session.files.journals)).records
  expect(await readFile(record?.path ?? '', 'utf8')).not.toContain('hunter2')
  expect(JSON.stringify(result.state)).not.toContain('hunter2')
})

test('nothing known to have served well is recommended to nobody', async () => {
  const { assess } = await engine(newShelf(), { history: [failed('1.1.0', '2026-03-10T12:00:00.000Z')] })
  const { recommended, blockers, plan } = await assess()
  expect(recommended).toBeNull()
  expect(plan).toBeNull()
  expect(blockers.map(({ id }) => id)).toEqual(['no_candidate'])
})

test('what deploy.json claims and the target denies is said', async () => {
  const { assess } = await engine(newShelf(), {
    history: [success('1.3.0', '2026-03-18T12:00:00.000Z'), ...goodHistory]
  })
  expect((await assess()).notes.join()).toContain('The target is right')
})

test('a journal folder that cannot be read hides nothing else', async () => {
  const { assess, session } = await engine(newShelf())
  await mkdir(session.files.journals, { recursive: true })
  await chmod(session.files.journals, 0o000)
  expect((await assess()).recommended?.release.version).toBe('1.1.0')
})

test('a journal that can no longer be written stops the rollback and puts back what was', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'healthy' } })
  const { session } = await engine(shelf)
  const full: Journal = {
    path: 'full',
    append: async () => {
      if (shelf.log.length > 0) throw new Error('no space left on device')
    },
    attempt: async () => undefined,
    copy: async () => undefined,
    close: async () => undefined
  }
  const begun = await begunOn(shelf)
  const result = await carryOut(
    rollbackRun({
      session,
      begun: begun,
      journal: full,
      lease: null,
      limit: AbortSignal.timeout(10_000),
      hooks: { report: () => undefined, cancel: new AbortController().signal },
      failed: true,
      diagnosis: Promise.resolve(),
      fingerprint: fingerprint({ serving: '1.2.0' })
    })
  )
  expect(result.outcome).toBe('undone')
  expect(shelf.log).toEqual(['apply fetch', 'revert switch', 'revert fetch'])
  expect(result.remains.join()).toContain('no space left on device')
})

test('a rollback whose lease another has taken over does nothing more, and undoes nothing', async () => {
  const lost = new AbortController()
  const shelf = newShelf({
    health: { '1.2.0': 'degraded', '1.1.0': 'down' },
    beforeStep: (_, { id }) => {
      if (id !== 'switch') return
      lost.abort(new Error('the lease was taken over'))
      throw new Error('the lease was taken over')
    }
  })
  const { session } = await engine(shelf)
  const nothing = async () => undefined
  const lease = { lost: lost.signal, renew: nothing, markProven: nothing, release: nothing, stop: () => undefined }
  const result = await carryOut(
    rollbackRun({
      session,
      begun: await begunOn(shelf),
      journal: { path: '', append: nothing, attempt: nothing, copy: nothing, close: nothing },
      lease,
      limit: AbortSignal.timeout(10_000),
      hooks: { report: () => undefined, cancel: new AbortController().signal },
      failed: true,
      diagnosis: Promise.resolve()
    })
  )
  expect(result).toMatchObject({ outcome: 'stuck', state: expect.stringContaining('taken this target over') })
  expect(shelf.log).toEqual(['apply fetch', 'apply switch'])
})

/** The first event of a rollback of this shelf, as another run of it wrote it. */
async function begunOn(shelf: Shelf): Promise<Begun> {
  const other = await engine(newShelf({ health: shelf.health }))
  await other.rollBack()
  const [record] = (await readJournals(other.session.files.journals)).records
  if (!record) throw new Error('no journal')
  return record.begun
}

test('a state that serves worse after the undo than it did before is not called undone', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'down' } })
  const { rollBack } = await engine(shelf)
  shelf.beforeStep = (verb) => {
    if (verb === 'revert') shelf.health['1.2.0'] = 'down'
  }
  const result = await rollBack()
  expect(result).toMatchObject({ outcome: 'stuck', state: expect.stringContaining('degraded before and is down now') })
})

test('a target that does not answer after the undo is unknown, not empty', async () => {
  const shelf = newShelf({ serving: 'none', health: { none: 'degraded', '1.1.0': 'down' } })
  const { rollBack } = await engine(shelf)
  shelf.beforeStep = (verb) => {
    if (verb === 'revert') shelf.surveyFails = true
  }
  const result = await rollBack({ accept: ['migration'] })
  expect(result).toMatchObject({ outcome: 'stuck', state: expect.stringContaining('the state now is unknown') })
})

test('what comes back slowly is given a moment before it is judged', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'healthy', '1.1.0': 'down' } })
  const { rollBack, clock } = await engine(shelf)
  const { sleep } = clock
  shelf.beforeStep = (verb, { id }) => {
    if (verb !== 'revert' || id !== 'switch') return
    shelf.health['1.2.0'] = 'progressing'
    clock.sleep = async (ms, signal) => {
      shelf.health['1.2.0'] = 'healthy'
      await sleep(ms, signal)
    }
  }
  expect(await rollBack()).toMatchObject({ outcome: 'undone', state: expect.stringContaining('is back as it was') })
})

test('a preparation that fails while the target is away touched nothing, and that is what is said', async () => {
  const shelf = newShelf()
  const { rollBack } = await engine(shelf)
  shelf.beforeStep = () => {
    shelf.surveyFails = true
    throw new Error('the engine is away')
  }
  const result = await rollBack()
  expect(result).toMatchObject({
    outcome: 'undone',
    state: expect.stringContaining('Nothing that serves was touched')
  })
  expect(result.state).toContain('The shelf does not answer')
})

test('a failed check counts for more than an observation that finds nothing wrong', async () => {
  const shelf = newShelf({
    health: { '1.2.0': 'healthy', '1.1.0': 'healthy' },
    checked: { '1.2.0': 'healthy', '1.1.0': 'down' }
  })
  const { rollBack } = await engine(shelf)
  expect(await rollBack()).toMatchObject({ outcome: 'undone' })
  expect(shelf.serving).toBe('1.2.0')
})

test('one healthy look after many unknown ones begins the soak, and does not end it', async () => {
  const shelf = newShelf({ healthAtLook: (_, look) => (look < 6 ? 'unknown' : look < 12 ? 'healthy' : 'down') })
  const { rollBack } = await engine(shelf)
  expect((await rollBack()).outcome).toBe('stuck')
  expect(shelf.looks).toBe(12)
})

test('an unknown check restarts the soak', async () => {
  const shelf = newShelf({ healthAtLook: (_, look) => (look === 6 ? 'unknown' : 'healthy') })
  const { rollBack, session } = await engine(shelf)
  expect((await rollBack()).outcome).toBe('succeeded')
  expect(shelf.looks).toBe(17)
  const [record] = (await readJournals(session.files.journals)).records
  const checks = record?.events.find((event) => event.event === 'checks')
  expect(checks).toMatchObject({ healthySince: '2026-03-18T14:35:06.000Z' })
})

test('what stays unknown for as long as the soak is unverified', async () => {
  const shelf = newShelf({ healthAtLook: () => 'unknown' })
  const { rollBack } = await engine(shelf)
  expect((await rollBack()).outcome).toBe('unverified')
  expect(shelf.looks).toBe(11)
})

test('the time that the first look takes is no part of the soak', async () => {
  const shelf = newShelf()
  const { rollBack, clock } = await engine(shelf)
  shelf.healthAtLook = (_, look) => {
    if (look === 1) clock.advance(12_000)
    return 'healthy'
  }
  expect((await rollBack()).outcome).toBe('succeeded')
  expect(shelf.looks).toBe(11)
})

test('the time that a person takes to answer is no part of the limit', async () => {
  const shelf = newShelf()
  const { rollBack, clock } = await engine(shelf)
  const consent = async () => clock.advance(600_000)
  expect((await rollBack({}, { consent })).outcome).toBe('succeeded')
})

test('what can no longer be done once the answer is there is refused before the first step', async () => {
  const shelf = newShelf()
  const { rollBack } = await engine(shelf)
  const deletedMeanwhile = async () => {
    shelf.blockers = [{ id: 'image_gone', what: 'The image is gone', why: 'it was deleted', next: 'Choose another.' }]
  }
  await expect(rollBack({}, { consent: deletedMeanwhile })).rejects.toMatchObject({ code: 'image_gone' })
  expect(shelf.log).toEqual([])
})

test('a dry run finds that no journal could be written, and makes no folder to find out', async () => {
  const { rollBack, session } = await engine(newShelf())
  session.files = { ...session.files, journals: '/dev/null/nowhere' }
  await expect(rollBack({ dryRun: true })).rejects.toMatchObject({ fault: 'config', code: 'journal_unwritable' })
})

test('a lease that is lost during the soak ends without a record and without a claim', async () => {
  const lost = new AbortController()
  const shelf = newShelf({
    healthAtLook: (_, look) => {
      if (look === 3) lost.abort()
      return 'healthy'
    }
  })
  const { session, records } = await engine(shelf)
  const nothing = async () => undefined
  const result = await carryOut(
    rollbackRun({
      session,
      begun: await begunOn(newShelf()),
      journal: { path: '', append: nothing, attempt: nothing, copy: nothing, close: nothing },
      lease: { lost: lost.signal, renew: nothing, markProven: nothing, release: nothing, stop: () => undefined },
      limit: AbortSignal.timeout(10_000),
      hooks: { report: () => undefined, cancel: new AbortController().signal },
      failed: true,
      diagnosis: Promise.resolve()
    })
  )
  expect(result).toMatchObject({ outcome: 'stuck', state: expect.stringContaining('taken this target over') })
  expect(records).toEqual([])
})

test('a rollback that is finished after it was recorded is not recorded twice', async () => {
  const shelf = newShelf()
  const { session, records } = await engine(shelf)
  const begun = await begunOn(newShelf())
  const { rollbackId } = begun
  session.history = [{ at: begun.at, target: 'shelf', version: '1.2.0', status: 'rolled_back', rollbackId }]
  const nothing = async () => undefined
  const result = await carryOut(
    rollbackRun({
      session,
      begun: begun,
      journal: { path: '', append: nothing, attempt: nothing, copy: nothing, close: nothing },
      lease: null,
      limit: AbortSignal.timeout(10_000),
      hooks: { report: () => undefined, cancel: new AbortController().signal },
      failed: true,
      diagnosis: Promise.resolve()
    })
  )
  expect(result.outcome).toBe('succeeded')
  expect(records).toEqual([])
})

test('a lock of another machine names what it takes to be rid of it', async () => {
  const { assess, session } = await engine(newShelf())
  await mkdir(session.files.journals, { recursive: true })
  const held = { pid: 1, host: 'elsewhere', start: '', token: 't', since: '', purpose: 'rb-1' }
  await writeFile(session.files.lock, JSON.stringify(held))
  const [blocker] = (await assess()).blockers
  expect(blocker).toMatchObject({ id: 'running', next: expect.stringContaining(`remove ${session.files.lock}`) })
  await utimes(session.files.lock, 1, 1)
  expect((await assess()).blockers).toEqual([])
})
