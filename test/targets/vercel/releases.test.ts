import { expect, vi } from 'vitest'
import type { DeploymentRecord } from '../../../src/model/deployment-record.ts'
import { rankCandidates, recommend } from '../../../src/rollback/assess/candidates.ts'
import type { FakeDeployment, FakeVercel } from '../../fakes/vercel/server.ts'
import { onVercel } from './on-vercel.ts'
import { broken, good, oldest, open, record, signal } from './scene.ts'

vi.setConfig({ testTimeout: 120_000 })

const test = onVercel(() => undefined).extend<{ first: FakeDeployment; second: FakeDeployment }>({
  first: [({ vercel }, use) => use(vercel.deploy(oldest)), { auto: true }],
  second: [({ vercel, first: _before }, use) => use(vercel.deploy(good)), { auto: true }]
})

async function recommended(vercel: FakeVercel, history: DeploymentRecord[] = []) {
  const { current, releases } = (await (await open(vercel, history)).observe(signal())).observation
  const candidates = rankCandidates(current, releases, {
    history,
    formerRollbacks: [],
    now: '2026-06-01T00:00:00.000Z'
  })
  return { current, candidates, version: recommend(current, candidates)?.release.version ?? null }
}

test('what was rolled back on the dashboard is not recommended', async ({ vercel, second }) => {
  vercel.deploy(broken)
  vercel.manualCommands('rollback', second)
  const { current, version, candidates } = await recommended(vercel)
  expect(current?.version).toBe('bbbbbbb')
  expect(version).toBe('aaaaaaa')
  const left = candidates.find(({ release }) => release.version === 'ccccccc')
  expect(left?.evidenceAgainst.join()).toContain('it was rolled back')
})

test('where Vercel notes the time of a rollback, it speaks against what was left even after the next deployment', async ({
  vercel,
  second
}) => {
  const left = vercel.deploy(broken)
  vercel.manualCommands('rollback', second)
  second.aliasAssigned = (left.aliasAssigned ?? 0) + 3_600_000
  vercel.manualCommands('promote', vercel.deploy('d'.repeat(40)))
  expect((await recommended(vercel)).version).toBe('bbbbbbb')
})

test('for how long a deployment served is not claimed, for a rollback in between leaves no trace', async ({
  vercel
}) => {
  vercel.deploy(broken)
  const { candidates } = await recommended(vercel)
  expect(candidates.flatMap(({ release }) => release.served ?? []).every(({ forMs }) => forMs === undefined)).toBe(true)
})

test('builds that got no domains after a deployment are named: it may have been rolled back from', async ({
  vercel,
  second
}) => {
  vercel.deploy(broken)
  vercel.manualCommands('rollback', second)
  vercel.deploy('d'.repeat(40))
  vercel.manualCommands('promote', vercel.deploy('e'.repeat(40)))
  const { candidates } = await recommended(vercel)
  const notes = candidates.find(({ release }) => release.version === 'ccccccc')?.release.notes
  expect(notes?.join()).toContain('given no domains')
})

test('a staged deployment never was production, whatever else Vercel says of it', async ({ vercel, first }) => {
  const staged = vercel.deploy(broken, { readySubstate: 'STAGED' })
  staged.aliasAssigned = staged.created + 60_000
  const { releases } = (await (await open(vercel)).observe(signal())).observation
  expect(releases.map(({ id }) => id)).toEqual([first.uid])
})

test('deploy.json’s records count by their commit: what it calls failed is not recommended', async ({ vercel }) => {
  vercel.deploy(broken)
  const history = [
    record('1.1.0', good.slice(0, 10), 'failed', '2026-01-02T12:00:00.000Z'),
    record('1.0.0', oldest, 'success', '2026-01-01T00:00:00.000Z')
  ]
  const { version, candidates } = await recommended(vercel, history)
  expect(candidates.map(({ release }) => release.version).sort()).toEqual(['1.0.0', '1.1.0'])
  expect(version).toBe('1.0.0')
})

test('a commit that was deployed twice takes no name from deploy.json, and no name is given twice', async ({
  vercel,
  second
}) => {
  vercel.deploy(good)
  vercel.deploy(broken)
  const { candidates } = await recommended(vercel, [
    record('1.1.0', good, 'success'),
    record('1.1.0', oldest, 'success')
  ])
  expect(candidates.map(({ release }) => release.version).sort()).toEqual(
    ['1.1.0', second.uid, vercel.deployments[2]?.uid].sort()
  )
})

test('production that is older than all that is listed is still what serves', async ({ vercel, second }) => {
  for (let number = 0; number < 520; number++)
    vercel.deploy(number.toString(16).padStart(40, '7'), { readySubstate: 'STAGED' })
  const { current, version } = await recommended(vercel)
  expect(current).toMatchObject({ id: second.uid, version: 'bbbbbbb' })
  expect(version).toBeNull()
})
