import { hostname, userInfo } from 'node:os'
import { expect, test } from 'vitest'
import { renderAssessment } from '../../src/render/assessment.ts'
import { renderRollback } from '../../src/render/rollback.ts'
import { assess } from '../../src/rollback/assess/assess.ts'
import { newShelf, release, type Shelf } from '../../testkit/in-memory-target.ts'
import { engine, goodHistory, success } from '../rollback/engine-harness.ts'

type Scene = Parameters<typeof engine>[1] & { shelf?: Partial<Shelf>; investigate?: boolean; version?: string }

/** What differs from one machine, or run, to the next. */
const steady = (text: string): string =>
  text
    .replaceAll(`${userInfo().username} on ${hostname()}`, 'ada on build-7')
    .replaceAll(/rb-[\w-]+/g, 'rb-ID')
    .replaceAll(/plan-[0-9a-f-]{35}/g, 'plan-ID')

async function assessed({ shelf, investigate, version, ...options }: Scene, verbose = false): Promise<string> {
  const { session } = await engine(newShelf(shelf), options)
  const asked = { ...(investigate && { investigate }), ...(version !== undefined && { version }) }
  const assessment = await assess(session, { ...asked, glance: true, signal: AbortSignal.timeout(10_000) })
  return renderAssessment(assessment, { verbose }).summary
}

async function rolledBack(shelf: Partial<Shelf>, dryRun = false): Promise<string> {
  const { rollBack } = await engine(newShelf(shelf))
  return renderRollback(await rollBack({ dryRun }), { version: '1.1.0', plan_id: 'plan' }).summary
}

const serious = { id: 'migration', serious: true, title: 'A migration would stay', detail: 'db/7.sql came with 1.2.0' }
const small = { id: 'tag_moved', serious: false, title: 'The tag moved', detail: 'latest is 1.2.0' }
const blocker = { id: 'disk', what: 'The disk is full', why: '0 B are free', next: 'Free 2 GB, then assess again.' }
const log = 'listening on 8080\nFATAL: relation "orders" does not exist\n    at boot.js:7\nbye'

const screens: [string, () => Promise<string>][] = [
  ['down, and its log says why', () => assessed({ shelf: { secret: log } })],
  ['down, everything shown', () => assessed({ shelf: { secret: log, risks: [small] } }, true)],
  ['degraded, with risks', () => assessed({ shelf: { health: { '1.2.0': 'degraded' }, risks: [serious, small] } })],
  ['recorded as failed, and healthy', () => assessed({ shelf: { health: { '1.2.0': 'healthy' } } })],
  [
    'healthy',
    () =>
      assessed({ shelf: { health: { '1.2.0': 'healthy' } }, history: [success('1.2.0', '2026-03-18T14:00:00.000Z')] })
  ],
  ['nothing to go back to', () => assessed({ shelf: { releases: [release('1.2.0')] }, history: [] })],
  ['another version, investigated', () => assessed({ shelf: { secret: log }, version: '1.0.0', investigate: true })],
  ['blocked', () => assessed({ shelf: { blockers: [blocker] } })],
  [
    'twenty small risks',
    () => assessed({ shelf: { risks: Array.from({ length: 20 }, (_, index) => ({ ...small, id: `r${index}` })) } })
  ],
  [
    'a version that served for seconds and failed before',
    () =>
      assessed({
        history: [
          { at: '2026-03-18T14:00:01.000Z', target: 'shelf', version: '1.2.0', status: 'failed' },
          success('1.1.0', '2026-03-18T14:00:00.000Z'),
          { at: '2026-03-17T14:00:00.000Z', target: 'shelf', version: '1.1.0', status: 'failed' },
          ...goodHistory.slice(2)
        ]
      })
  ],
  ['rolled back', () => rolledBack({})],
  [
    'rolled back, from what only the history calls failed',
    () => rolledBack({ health: { '1.2.0': 'healthy', '1.1.0': 'healthy' } })
  ],
  ['undone', () => rolledBack({ health: { '1.2.0': 'degraded', '1.1.0': 'down' } })],
  [
    'stuck',
    () => rolledBack({ health: { '1.2.0': 'degraded', '1.1.0': 'down' }, manualBack: ['Turn the shelf by hand'] })
  ],
  ['unverified', () => rolledBack({ checked: { '1.1.0': 'unknown' } })],
  ['manual', () => rolledBack({ manual: ['Press the button'] })],
  ['dry run', () => rolledBack({}, true)]
]

test('the screens of staged outages', async () => {
  const shown: string[] = []
  for (const [title, screen] of screens) shown.push(`# ${title}\n\n${steady(await screen())}\n`)
  await expect(shown.join('\n')).toMatchFileSnapshot('screens.snapshot.txt')
})

test('an assessment has at most twelve lines, whatever there is to say', async () => {
  const risks = Array.from({ length: 20 }, (_, index) => ({ ...small, id: `r${index}` }))
  expect((await assessed({ shelf: { risks } })).split('\n').length).toBeLessThanOrEqual(12)
})
