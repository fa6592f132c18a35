import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, vi } from 'vitest'
import { type Answer, type BuiltServer, startServer } from '../../../testkit/built-server.ts'
import { testProject } from '../../../testkit/project.ts'
import { testRun } from '../../../testkit/target-context.ts'
import type { Answer as FakeAnswer } from '../../fakes/fake-server.ts'
import { open, planned, signal } from './scene.ts'
import { execute, test } from './served.ts'

vi.setConfig({ testTimeout: 240_000 })

test('a broken deployment is taken back, every domain is proven, and nothing says the token', async ({
  vercel,
  project,
  serve
}) => {
  const server = await serve()
  const assessment = await server.call('assess_rollback', { investigate: true })
  expect(assessment).toMatchObject({ current: { failed: true, health: 'down' }, recommended: { version: 'bbbbbbb' } })
  expect(assessment.summary).toContain('no longer assigns production domains')
  const dry = await execute(server, assessment, { dry_run: true })
  expect(vercel.production()).toBe(vercel.deployments[2]?.uid)
  const done = await execute(server, assessment)
  expect(done).toMatchObject({ outcome: 'succeeded', to: { version: 'bbbbbbb' } })
  expect(vercel.production()).toBe(vercel.deployments[1]?.uid)
  expect(vercel.autoAssign()).toBe(false)
  const verified = await server.call('verify_rollback', { rollback_id: done.rollback_id })
  expect(verified.verdict).toBe('healthy')
  expect(verified.checks.map(({ id }: Answer) => id)).toContain('alias:www.example.test')
  const report = await server.call('write_incident', { rollback_id: done.rollback_id })
  const entries = await readdir(project.dir, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const files = await Promise.all(paths.map((path) => readFile(path, 'utf8')))
  const said = JSON.stringify([assessment, dry, done, verified, report, files]) + server.stderr()
  expect(said).not.toContain(vercel.token)
})

test('undoing twice does not return to the broken deployment', async ({ serve }) => {
  const server = await serve()
  await execute(server, await server.call('assess_rollback'))
  expect((await server.call('assess_rollback')).recommended.version).toBe('aaaaaaa')
})

test('reverting promotes what was there, and domains are assigned to new deployments again', async ({ vercel }) => {
  const { target, step, observation } = await planned(vercel)
  for (const _ of [1, 2]) await target.apply(step, testRun())
  expect(vercel.autoAssign()).toBe(false)
  for (const _ of [1, 2]) await target.revert(step, testRun())
  expect(vercel.production()).toBe(observation.current?.id)
  expect(vercel.autoAssign()).toBe(true)
})

test('previews, failed builds and what Vercel no longer offers are no candidates', async ({ vercel }) => {
  vercel.deploy('d'.repeat(40), { target: null })
  vercel.deploy('e'.repeat(40), { state: 'ERROR' })
  const first = vercel.deployments[0]
  if (first) first.isRollbackCandidate = false
  const { releases } = (await (await open(vercel)).observe(signal())).observation
  expect(releases.map(({ version, available }) => [version, available.state])).toEqual([
    ['bbbbbbb', 'yes'],
    ['aaaaaaa', 'no']
  ])
  const { draft } = await planned(vercel, 'aaaaaaa')
  expect(draft.blockers.map(({ what }) => what).join()).toContain('is no longer possible')
})

test('deployments beyond the first page are candidates, too', async ({ vercel }) => {
  for (let number = 0; number < 120; number++) vercel.deploy(number.toString(16).padStart(40, '7'))
  expect((await (await open(vercel)).observe(signal())).observation.releases).toHaveLength(122)
})

test('a job that Vercel reports as skipped or failed is no success', async ({ vercel }) => {
  for (const ends of ['skipped', 'failed'] as const) {
    vercel.job.ends = ends
    const { target, step } = await planned(vercel)
    await expect(target.apply(step, testRun())).rejects.toMatchObject({
      code: 'job_failed',
      why: expect.stringContaining(ends)
    })
  }
})

test('a job that takes a while is waited for, and one that runs already is not asked for again', async ({ vercel }) => {
  vercel.job.takesMs = 1500
  const { target, step } = await planned(vercel)
  const dying = new AbortController()
  const first = target.apply(step, testRun({ signal: dying.signal })).catch(() => 'stopped')
  setTimeout(() => dying.abort(), 600)
  expect(await first).toBe('stopped')
  await target.apply(step, testRun())
  expect(vercel.log().filter((line) => line.includes('/rollback/'))).toHaveLength(1)
  expect(vercel.production()).toBe(vercel.deployments[1]?.uid)
})

test('a domain that did not move fails the checks, whatever the job says', async ({ vercel }) => {
  vercel.stuckDomains.add('www.example.test')
  const { target, step, release } = await planned(vercel)
  await target.apply(step, testRun())
  const { checks } = await target.check(release, { signal: signal() })
  expect(checks.find(({ id }) => id === 'alias:www.example.test')?.status).toBe('fail')
  expect(checks.find(({ id }) => id === 'alias:shop.example.test')?.status).toBe('pass')
})

/** Rolled back, and then how one domain looks to a server whose process trusts its certificate. */
async function looksAt(server: BuiltServer): Promise<() => Promise<Answer>> {
  const done = await execute(server, await server.call('assess_rollback'))
  return async () => {
    const { checks } = await server.call('verify_rollback', { rollback_id: done.rollback_id })
    return checks.find(({ id }: Answer) => id === 'page:shop.example.test')
  }
}

test('a page that names its deployment proves which one answers, or that another one still does', async ({
  vercel,
  serve
}) => {
  const [, goodOne, brokenOne] = vercel.deployments
  if (!goodOne || !brokenOne) throw new Error('no deployments')
  const page = (id: string) => ({ status: 200, text: `<html data-dpl-id="${id}"><a href="/old?v=dpl_00000000other">` })
  goodOne.page = page(goodOne.uid)
  const look = await looksAt(await serve())
  expect(await look()).toMatchObject({ status: 'pass', detail: expect.stringContaining(`names ${goodOne.uid}`) })
  goodOne.page = { status: 200, text: '', headers: { 'set-cookie': `__vdpl=${brokenOne.uid}; Path=/` } }
  expect(await look()).toMatchObject({ status: 'fail', detail: expect.stringContaining(brokenOne.uid) })
})

test('a protected domain is unknown, unless the project’s bypass secret is there, which nothing says', async ({
  vercel,
  serve
}) => {
  const secret = 'bypass-0123456789abcdef'
  const look = await looksAt(await serve())
  vercel.bypassSecret = secret
  expect(await look()).toMatchObject({ status: 'unknown', detail: expect.stringContaining('protected') })
  const server = await serve({ VERCEL_AUTOMATION_BYPASS_SECRET: secret })
  const verified = await server.call('verify_rollback')
  expect(verified.checks.find(({ id }: Answer) => id === 'page:shop.example.test')?.status).toBe('pass')
  expect(JSON.stringify(verified) + server.stderr()).not.toContain(secret)
})

test('a role that may only look is noticed before anything changes', async ({ vercel }) => {
  vercel.role = 'VIEWER'
  const { draft } = await planned(vercel)
  expect(draft.blockers).toMatchObject([{ id: 'role_too_small', why: expect.stringContaining('VIEWER') }])
})

test('the plan’s limit on how far back is told as what it is', async ({ vercel }) => {
  vercel.plan = 'hobby'
  const { target, step } = await planned(vercel, 'aaaaaaa')
  await expect(target.apply(step, testRun())).rejects.toMatchObject({ code: 'plan_limit' })
  expect(vercel.production()).toBe(vercel.deployments[2]?.uid)
})

test('a push between plan and execution makes the plan out of date, and somebody else’s change is left alone', async ({
  vercel,
  serve
}) => {
  const server = await serve()
  const assessment = await server.call('assess_rollback')
  const { target, step } = await planned(vercel)
  vercel.deploy('5'.repeat(40))
  expect((await execute(server, assessment)).error).toMatchObject({ code: 'stale_plan' })
  await expect(target.apply(step, testRun())).rejects.toMatchObject({ code: 'changed_meanwhile' })
  await expect(target.revert(step, testRun())).rejects.toMatchObject({ code: 'changed_meanwhile' })
  expect(vercel.production()).toBe(vercel.deployments[3]?.uid)
})

for (const [direction, arrives] of [
  ['finish', true],
  ['undo', true],
  ['finish', false]
] as const)
  test(`killed while the request ${arrives ? 'arrives' : 'does not arrive'}, the rollback can be made to ${direction}`, async ({
    vercel,
    serve
  }) => {
    const dying = await serve()
    const assessment = await dying.call('assess_rollback')
    vercel.fault(({ path }) => {
      if (!path.includes('/rollback/')) return undefined
      dying.kill()
      return arrives ? undefined : 'hang up'
    })
    await execute(dying, assessment).catch(() => undefined)
    vercel.fault(undefined)
    const server = await serve()
    const { interrupted } = await server.call('assess_rollback')
    const { id, version } = interrupted[direction]
    const result = await server.call('execute_rollback', { target: 'vercel', version, plan_id: id })
    expect(result.outcome).toBe(direction === 'finish' ? 'succeeded' : 'undone')
    expect(vercel.production()).toBe(vercel.deployments[direction === 'finish' ? 1 : 2]?.uid)
  })

test('a token that is missing or of another team is told before anything changes', async ({ vercel, serve }) => {
  const none = await serve({ VERCEL_TOKEN: '' })
  expect((await none.call('assess_rollback')).error).toMatchObject({
    fault: 'config',
    why: expect.stringContaining('VERCEL_TOKEN')
  })
  const wrong = await serve({ VERCEL_TOKEN: 'vcp_wrong' })
  expect((await wrong.call('assess_rollback')).ok).toBe(false)
  const plugin = await serve({ VERCEL_TOKEN: 'vcp_wrong', POP_ROLLBACK_VERCEL_TOKEN: vercel.token })
  expect((await plugin.call('assess_rollback')).ok).toBe(true)
  expect(vercel.log().some((line) => line.startsWith('POST'))).toBe(false)
})

test('hostile answers are clear errors that say nothing secret', async ({ vercel, serve }) => {
  const server = await serve()
  const answers: FakeAnswer[] = [
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Log in</html>' },
    { status: 200, body: 'x'.repeat(10 * 1024 * 1024) },
    { status: 302, headers: { location: 'http://127.0.0.2:9/steal' } },
    { status: 403, body: { error: { message: `token ${vercel.token} may not` } } }
  ]
  for (const answer of answers) {
    vercel.fault(() => answer)
    const result = await server.call('assess_rollback')
    expect(result.isError).toBe(true)
    expect(JSON.stringify(result) + server.stderr()).not.toContain(vercel.token)
  }
})

test('a linked project is found without deploy.json', async ({ vercel }) => {
  const linked = await testProject()
  await mkdir(join(linked.dir, '.vercel'))
  const link = { projectId: vercel.projectId, orgId: vercel.teamId }
  await writeFile(join(linked.dir, '.vercel/project.json'), JSON.stringify(link))
  const server = await startServer({ projectDir: linked.dir, env: vercel.env })
  onTestFinished(() => server.close())
  expect(await server.call('assess_rollback')).toMatchObject({ target: 'vercel', recommended: { version: 'bbbbbbb' } })
  await linked.remove()
})
