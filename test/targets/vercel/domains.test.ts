import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import { type FakeVercel, fakeVercel } from '../../fakes/vercel/server.ts'
import { type Answer, type BuiltServer, startServer } from '../../harness/client.ts'
import { type TestProject, testProject } from '../../harness/project.ts'
import { broken, good, oldest } from './scene.ts'

vi.setConfig({ testTimeout: 240_000 })

let vercel: FakeVercel
let project: TestProject
let server: BuiltServer

beforeEach(async () => {
  vercel = await fakeVercel()
  vercel.deploy(oldest)
  vercel.deploy(good)
  vercel.deploy(broken, { page: { status: 500, text: 'FUNCTION_INVOCATION_FAILED' } })
})

afterEach(async () => {
  await server.close().catch(() => undefined)
  await vercel.stop()
  await project.remove()
  expect(vercel.wrong).toEqual([])
})

/** Assessed and carried out through the built server, whose process trusts the domains' certificate. */
async function rollBack(more: JsonObject = {}): Promise<{ assessment: Answer; done: Answer }> {
  const config = { project_id: vercel.projectId, team_id: vercel.teamId, rollback: { soak_seconds: 0 }, ...more }
  project = await testProject({ version: '1.0', targets: { vercel: { enabled: true, config } }, history: [] })
  server = await startServer({ projectDir: project.dir, env: { HOME: project.dir, ...vercel.env } })
  const assessment = await server.call('assess_rollback')
  const { version, id } = assessment.plan
  const done = await server.call('execute_rollback', { target: 'vercel', version, plan_id: id })
  return { assessment, done }
}

const production = () => vercel.deployments.find(({ uid }) => uid === vercel.production())?.meta.githubCommitSha

test('a production domain whose DNS does not lead to Vercel is no obstacle, and is named', async () => {
  vercel.deadDomains = ['gone.example.test']
  vercel.misconfigured.add('gone.example.test')
  vercel.manualCommands('promote', vercel.deployments[2] as never)
  const { assessment, done } = await rollBack()
  expect(assessment.current.health).toBe('down')
  expect(done.outcome).toBe('succeeded')
  expect(done.checks.find(({ id }: Answer) => id === 'alias:gone.example.test').detail).toContain(
    'does not point at Vercel'
  )
})

test('a domain that this machine cannot reach leaves the rollback unverified, and never undoes it', async () => {
  vercel.deadDomains = ['hidden.example.test']
  vercel.manualCommands('promote', vercel.deployments[2] as never)
  const { assessment, done } = await rollBack()
  expect(assessment.current.health).toBe('down')
  expect(done.outcome).toBe('unverified')
  expect(done.summary).toContain('could not be asked from here')
  expect(production()).toBe(good)
})

test('a domain that fails now as it did before does not undo a rollback that helped the others', async () => {
  vercel.pages.set('www.example.test', { status: 500, text: 'its own trouble' })
  const { done } = await rollBack()
  expect(done.outcome).toBe('unverified')
  expect(done.summary).toContain('as before the rollback')
  expect(production()).toBe(good)
})

test('a project without a page at / has not failed for that, and nobody can say whether its rollback helped', async () => {
  for (const deployment of vercel.deployments) deployment.page = { status: 404, text: 'NOT_FOUND' }
  const { assessment, done } = await rollBack()
  expect(assessment.current).toMatchObject({ failed: false, health: 'unknown' })
  expect(done.outcome).toBe('unverified')
  expect(done.summary).toContain('probe')
})

test('a probe says how a project answers, and proves its rollback', async () => {
  for (const deployment of vercel.deployments) deployment.page = { status: 404, text: 'NOT_FOUND' }
  const { assessment, done } = await rollBack({ probe: { path: '/', expect_status: 404 } })
  expect(assessment.current).toMatchObject({ failed: false, health: 'healthy' })
  expect(done.outcome).toBe('succeeded')
})

test('the result says that new deployments are no longer live', async () => {
  const { done } = await rollBack()
  expect(done.outcome).toBe('succeeded')
  expect(done.remains.join()).toContain('no longer assigns production domains')
  expect(done.summary).toContain('What remains')
})
