import { expect, vi } from 'vitest'
import type { Answer } from '../../../testkit/built-server.ts'
import type { FakeVercel } from '../../fakes/vercel/server.ts'
import { good } from './scene.ts'
import { deployedTo, execute, type Served, test } from './served.ts'

vi.setConfig({ testTimeout: 240_000 })

/** Assessed and carried out through the built server, whose process trusts the domains' certificate. */
async function rollBack(serve: Served['serve']): Promise<{ assessment: Answer; done: Answer }> {
  const server = await serve()
  const assessment = await server.call('assess_rollback')
  return { assessment, done: await execute(server, assessment) }
}

const production = (vercel: FakeVercel) =>
  vercel.deployments.find(({ uid }) => uid === vercel.production())?.meta.githubCommitSha

test('a production domain whose DNS does not lead to Vercel is no obstacle, and is named', async ({
  vercel,
  serve
}) => {
  vercel.deadDomains = ['gone.example.test']
  vercel.misconfigured.add('gone.example.test')
  vercel.manualCommands('promote', vercel.deployments[2] as never)
  const { assessment, done } = await rollBack(serve)
  expect(assessment.current.health).toBe('down')
  expect(done.outcome).toBe('succeeded')
  expect(done.checks.find(({ id }: Answer) => id === 'alias:gone.example.test').detail).toContain(
    'does not point at Vercel'
  )
})

test('a domain that this machine cannot reach leaves the rollback unverified, and never undoes it', async ({
  vercel,
  serve
}) => {
  vercel.deadDomains = ['hidden.example.test']
  vercel.manualCommands('promote', vercel.deployments[2] as never)
  const { assessment, done } = await rollBack(serve)
  expect(assessment.current.health).toBe('down')
  expect(done.outcome).toBe('unverified')
  expect(done.summary).toContain('could not be asked from here')
  expect(production(vercel)).toBe(good)
})

test('a domain that fails now as it did before does not undo a rollback that helped the others', async ({
  vercel,
  serve
}) => {
  vercel.pages.set('www.example.test', { status: 500, text: 'its own trouble' })
  const { done } = await rollBack(serve)
  expect(done.outcome).toBe('unverified')
  expect(done.summary).toContain('as before the rollback')
  expect(production(vercel)).toBe(good)
})

test('a project without a page at / has not failed for that, and nobody can say whether its rollback helped', async ({
  vercel,
  serve
}) => {
  for (const deployment of vercel.deployments) deployment.page = { status: 404, text: 'NOT_FOUND' }
  const { assessment, done } = await rollBack(serve)
  expect(assessment.current).toMatchObject({ failed: false, health: 'unknown' })
  expect(done.outcome).toBe('unverified')
  expect(done.summary).toContain('probe')
})

test('a probe says how a project answers, and proves its rollback', async ({ vercel, project, serve }) => {
  for (const deployment of vercel.deployments) deployment.page = { status: 404, text: 'NOT_FOUND' }
  await project.deploy(deployedTo(vercel, { probe: { path: '/', expect_status: 404 } }))
  const { assessment, done } = await rollBack(serve)
  expect(assessment.current).toMatchObject({ failed: false, health: 'healthy' })
  expect(done.outcome).toBe('succeeded')
})

test('the result says that new deployments are no longer live', async ({ serve }) => {
  const { done } = await rollBack(serve)
  expect(done.outcome).toBe('succeeded')
  expect(done.remains.join()).toContain('no longer assigns production domains')
  expect(done.summary).toContain('to do')
})
