import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { DeploymentRecord } from '../../../src/model/deployment-record.ts'
import { rankCandidates, recommend } from '../../../src/rollback/assess/candidates.ts'
import { type FakeDeployment, type FakeVercel, fakeVercel } from '../../fakes/vercel/server.ts'
import { broken, good, oldest, open, record, signal } from './scene.ts'

vi.setConfig({ testTimeout: 120_000 })

let vercel: FakeVercel
let first: FakeDeployment
let second: FakeDeployment

beforeEach(async () => {
  vercel = await fakeVercel()
  first = vercel.deploy(oldest)
  second = vercel.deploy(good)
})

afterEach(async () => {
  await vercel.stop()
  expect(vercel.wrong).toEqual([])
})

async function recommended(history: DeploymentRecord[] = []) {
  const { current, releases } = (await (await open(vercel, history)).observe(signal())).observation
  const candidates = rankCandidates(current, releases, {
    history,
    formerRollbacks: [],
    now: '2026-06-01T00:00:00.000Z'
  })
  return { current, candidates, version: recommend(current, candidates)?.release.version ?? null }
}

test('what was rolled back on the dashboard is not recommended', async () => {
  vercel.deploy(broken)
  vercel.manualCommands('rollback', second)
  const { current, version, candidates } = await recommended()
  expect(current?.version).toBe('bbbbbbb')
  expect(version).toBe('aaaaaaa')
  const left = candidates.find(({ release }) => release.version === 'ccccccc')
  expect(left?.evidenceAgainst.join()).toContain('it was rolled back')
})

test('where Vercel notes the time of a rollback, it speaks against what was left even after the next deployment', async () => {
  const left = vercel.deploy(broken)
  vercel.manualCommands('rollback', second)
  second.aliasAssigned = (left.aliasAssigned ?? 0) + 3_600_000
  vercel.manualCommands('promote', vercel.deploy('d'.repeat(40)))
  expect((await recommended()).version).toBe('bbbbbbb')
})

test('for how long a deployment served is not claimed, for a rollback in between leaves no trace', async () => {
  vercel.deploy(broken)
  const { candidates } = await recommended()
  expect(candidates.flatMap(({ release }) => release.served ?? []).every(({ forMs }) => forMs === undefined)).toBe(true)
})

test('builds that got no domains after a deployment are named: it may have been rolled back from', async () => {
  vercel.deploy(broken)
  vercel.manualCommands('rollback', second)
  vercel.deploy('d'.repeat(40))
  vercel.manualCommands('promote', vercel.deploy('e'.repeat(40)))
  const { candidates } = await recommended()
  const notes = candidates.find(({ release }) => release.version === 'ccccccc')?.release.notes
  expect(notes?.join()).toContain('given no domains')
})

test('a staged deployment never was production, whatever else Vercel says of it', async () => {
  const staged = vercel.deploy(broken, { readySubstate: 'STAGED' })
  staged.aliasAssigned = staged.created + 60_000
  const { releases } = (await (await open(vercel)).observe(signal())).observation
  expect(releases.map(({ id }) => id)).toEqual([first.uid])
})

test('deploy.json’s records count by their commit: what it calls failed is not recommended', async () => {
  vercel.deploy(broken)
  const history = [
    record('1.1.0', good.slice(0, 10), 'failed', '2026-01-02T12:00:00.000Z'),
    record('1.0.0', oldest, 'success', '2026-01-01T00:00:00.000Z')
  ]
  const { version, candidates } = await recommended(history)
  expect(candidates.map(({ release }) => release.version).sort()).toEqual(['1.0.0', '1.1.0'])
  expect(version).toBe('1.0.0')
})

test('a commit that was deployed twice takes no name from deploy.json, and no name is given twice', async () => {
  vercel.deploy(good)
  vercel.deploy(broken)
  const { candidates } = await recommended([record('1.1.0', good, 'success'), record('1.1.0', oldest, 'success')])
  expect(candidates.map(({ release }) => release.version).sort()).toEqual(
    ['1.1.0', second.uid, vercel.deployments[2]?.uid].sort()
  )
})

test('production that is older than all that is listed is still what serves', async () => {
  for (let number = 0; number < 520; number++)
    vercel.deploy(number.toString(16).padStart(40, '7'), { readySubstate: 'STAGED' })
  const { current, version } = await recommended()
  expect(current).toMatchObject({ id: second.uid, version: 'bbbbbbb' })
  expect(version).toBeNull()
})
