import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, vi } from 'vitest'
import { type Answer, startServer } from '../../../testkit/built-server.ts'
import { testProject } from '../../../testkit/project.ts'
import { testRun } from '../../../testkit/target-context.ts'
import type { Asked } from '../../fakes/fake-server.ts'
import type { FakeNetlify } from '../../fakes/netlify/server.ts'
import { commits, envOf, open, planned, signal } from './scene.ts'
import { execute, test } from './served.ts'

const good = 'bbbbbbb'

vi.setConfig({ testTimeout: 240_000 })

test('a broken deploy is taken back to the one that served before, proven, and nothing says the token', async ({
  netlify,
  project,
  serve
}) => {
  const server = await serve()
  const answers: Answer[] = []
  const assessment = await server.call('assess_rollback', { investigate: true })
  expect(assessment).toMatchObject({ current: { failed: true, health: 'down' }, recommended: { version: good } })
  const dry = await execute(server, assessment, { dry_run: true })
  expect(dry.outcome).toBe('checked')
  expect(netlify.publishedId()).toBe(netlify.deploys[2]?.id)
  const done = await execute(server, assessment)
  expect(done).toMatchObject({ outcome: 'succeeded', to: { version: good } })
  expect(netlify.publishedId()).toBe(netlify.deploys[1]?.id)
  const verified = await server.call('verify_rollback', { rollback_id: done.rollback_id })
  expect(verified.verdict).toBe('healthy')
  expect(JSON.stringify(verified)).toContain('the same page as')
  const report = await server.call('write_incident', { rollback_id: done.rollback_id })
  answers.push(assessment, dry, done, verified, report)
  expect(JSON.stringify(answers) + server.stderr() + JSON.stringify(await project.files())).not.toContain(netlify.token)
})

test('undoing twice does not return to the broken deploy', async ({ serve }) => {
  const server = await serve()
  await execute(server, await server.call('assess_rollback'))
  const again = await server.call('assess_rollback')
  expect(again.recommended.version).toBe('aaaaaaa')
})

test('previews, branch deploys, drafts and failed builds are no candidates', async ({ netlify }) => {
  netlify.deploy('d'.repeat(40), { context: 'deploy-preview' })
  netlify.deploy('e'.repeat(40), { context: 'branch-deploy' })
  netlify.deploy('f'.repeat(40), { draft: true })
  netlify.deploy('9'.repeat(40), { state: 'error', error_message: 'Build script returned non-zero exit code: 2' })
  const target = await open(netlify)
  const { releases } = (await target.observe(signal())).observation
  expect(releases.map(({ version }) => version).sort()).toEqual(['aaaaaaa', good])
  expect((await target.diagnose(signal())).findings.join()).toContain('non-zero exit code: 2')
})

test('deploys beyond the first page are candidates, too', async ({ netlify }) => {
  for (let number = 0; number < 130; number++) netlify.deploy(number.toString(16).padStart(40, '7'))
  const { releases } = (await (await open(netlify)).observe(signal())).observation
  expect(releases).toHaveLength(132)
})

test('deploys of the same commit go by their ids, and deploy.json’s own names come first', async ({ netlify }) => {
  netlify.deploy(commits.good)
  const history = [
    {
      at: '2026-01-01T00:00:00.000Z',
      target: 'netlify',
      version: '1.0.0',
      status: 'success',
      digest: netlify.deploys[0]?.id ?? ''
    }
  ]
  const target = await open(netlify, {}, history)
  const { releases } = (await target.observe(signal())).observation
  expect(releases.map(({ version }) => version)).toContain('1.0.0')
  expect(releases.map(({ version }) => version)).toContain(netlify.deploys[1]?.id)
})

test('a running build is a serious risk, because it will undo the rollback', async ({ netlify, serve }) => {
  netlify.deploy('8'.repeat(40), { state: 'building' })
  const server = await serve()
  const assessment = await server.call('assess_rollback')
  const refused = await execute(server, assessment)
  expect(refused.error).toMatchObject({
    code: 'risks_not_accepted',
    why: expect.stringContaining('will undo the rollback')
  })
})

test('with lock, auto publishing stops, so that the next push does not undo it; without, that is said', async ({
  netlify
}) => {
  expect((await planned(netlify)).draft.risks.map(({ id }) => id)).toEqual(['next_push_publishes'])
  const { target, observation, release, draft } = await planned(netlify, { lock: true })
  const { steps } = draft
  expect(draft.risks).toEqual([])
  for (const step of [...steps, ...steps]) await target.apply(step, testRun())
  netlify.deploy('6'.repeat(40))
  expect(netlify.publishedId()).toBe(release.id)
  for (const step of [...steps].reverse()) await target.revert(step, testRun())
  expect(netlify.publishedId()).toBe(observation.current?.id)
})

test('a push between plan and execution makes the plan out of date', async ({ netlify, serve }) => {
  const server = await serve()
  const assessment = await server.call('assess_rollback')
  netlify.deploy('5'.repeat(40))
  expect((await execute(server, assessment)).error).toMatchObject({ code: 'stale_plan' })
  expect(netlify.publishedId()).toBe(netlify.deploys[3]?.id)
})

test('somebody else’s publication between the steps is left alone', async ({ netlify }) => {
  const { target, step } = await planned(netlify)
  netlify.deploy('4'.repeat(40))
  await expect(target.apply(step, testRun())).rejects.toMatchObject({ code: 'changed_meanwhile' })
  await expect(target.revert(step, testRun())).rejects.toMatchObject({ code: 'changed_meanwhile' })
})

for (const arrives of [true, false])
  test(`killed while the restore ${arrives ? 'arrives' : 'does not arrive'}, it is finished or undone later`, async ({
    netlify,
    serve
  }) => {
    for (const direction of ['finish', 'undo'] as const) {
      const dying = await serve()
      const assessment = await dying.call('assess_rollback', {
        version: netlify.publishedId() === netlify.deploys[2]?.id ? good : undefined
      })
      const before = netlify.publishedId()
      netlify.fault((asked: Asked) => {
        if (!asked.path.endsWith('/restore')) return undefined
        dying.kill()
        return arrives ? undefined : 'hang up'
      })
      await execute(dying, assessment).catch(() => undefined)
      netlify.fault(undefined)
      const server = await serve()
      const { interrupted } = await server.call('assess_rollback')
      const { id, version } = interrupted[direction]
      const result = await server.call('execute_rollback', { target: 'netlify', version, plan_id: id })
      expect(result.outcome).toBe(direction === 'finish' ? 'succeeded' : 'undone')
      if (direction === 'undo') expect(netlify.publishedId()).toBe(before)
      else {
        expect(netlify.publishedId()).not.toBe(before)
        netlify.deploy('3'.repeat(40), { page: { status: 500, text: 'broken again' } })
      }
    }
  })

test('a restore that takes a while is waited for', async ({ netlify, serve }) => {
  netlify.restoreTakesMs = 1500
  const server = await serve()
  expect((await execute(server, await server.call('assess_rollback'))).outcome).toBe('succeeded')
})

test('a site that does not answer after the rollback is no success', async ({ netlify, serve }) => {
  const server = await serve()
  const assessment = await server.call('assess_rollback')
  const target = netlify.deploys[1]
  if (target) target.page = { status: 503, text: 'still broken' }
  const result = await execute(server, assessment)
  expect(['stuck', 'undone']).toContain(result.outcome)
  expect(result.summary).toContain('503')
})

test('a token that is missing, wrong or of another team is reported before anything changes', async ({
  netlify,
  serve
}) => {
  const none = await serve({
    NETLIFY_AUTH_TOKEN: '',
    POP_ROLLBACK_NETLIFY_TOKEN: '$'.concat('{user_config.netlify_token}')
  })
  expect((await none.call('assess_rollback')).error).toMatchObject({
    fault: 'config',
    why: expect.stringContaining('NETLIFY_AUTH_TOKEN')
  })
  const wrong = await serve({ NETLIFY_AUTH_TOKEN: 'nfp_wrong' })
  expect((await wrong.call('assess_rollback')).error).toMatchObject({ fault: 'config' })
  const plugin = await serve({ NETLIFY_AUTH_TOKEN: 'nfp_wrong', POP_ROLLBACK_NETLIFY_TOKEN: netlify.token })
  expect((await plugin.call('assess_rollback')).ok).toBe(true)
  expect(netlify.log().some((line) => line.startsWith('POST'))).toBe(false)
})

const hostile: [string, (token: string) => Parameters<FakeNetlify['fault']>[0]][] = [
  [
    'HTML instead of JSON',
    () => () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Log in</html>' })
  ],
  ['ten megabytes', () => () => ({ status: 200, body: 'x'.repeat(10 * 1024 * 1024) })],
  ['a redirect to another host', () => () => ({ status: 302, headers: { location: 'http://127.0.0.2:9/steal' } })],
  ['the token, echoed', (token) => () => ({ status: 403, body: { message: `token ${token} may not` } })]
]

for (const [name, fault] of hostile)
  test(`${name} as an answer is a clear error that says nothing secret`, async ({ netlify, serve }) => {
    netlify.fault(fault(netlify.token))
    const server = await serve()
    const answer = await server.call('assess_rollback')
    expect(answer.isError).toBe(true)
    expect(JSON.stringify(answer) + server.stderr()).not.toContain(netlify.token)
  })

test('a rate limit is waited for as Netlify asks', async ({ netlify, serve }) => {
  let refused = 0
  netlify.fault(({ path }) =>
    path.startsWith('/api') && refused++ < 2
      ? { status: 429, headers: { 'retry-after': '1' }, body: { code: 429, message: 'Too many requests' } }
      : undefined
  )
  expect((await (await serve()).call('assess_rollback')).ok).toBe(true)
})

test('a linked project is found without deploy.json', async ({ netlify }) => {
  const linked = await testProject()
  await mkdir(join(linked.dir, '.netlify'))
  await writeFile(join(linked.dir, '.netlify/state.json'), JSON.stringify({ siteId: netlify.siteId }))
  const server = await startServer({ projectDir: linked.dir, env: envOf(netlify) })
  onTestFinished(() => server.close())
  const answer = await server.call('assess_rollback')
  expect(answer).toMatchObject({ target: 'netlify', recommended: { version: good } })
  expect(answer.summary).toContain('.netlify/state.json')
  await linked.remove()
})
