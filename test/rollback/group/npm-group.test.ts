import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type Answer, type BuiltServer, type ServerOptions, startServer } from '../../../testkit/built-server.ts'
import { type Monorepo, monorepo } from '../../../testkit/npm/monorepo.ts'
import { answering, commandLine, confirming } from '../../harness/command-line.ts'
import { describeOn } from '../../harness/describe-on.ts'

describeOn('npm', 'a release of three npm packages', (backend) => {
  const made: { it: Monorepo; servers: BuiltServer[] }[] = []
  afterEach(async () => {
    for (const { it, servers } of made.splice(0)) {
      for (const server of servers) await server.close().catch(() => undefined)
      await it.remove()
    }
  })

  async function released(options: Parameters<typeof monorepo>[1] = {}) {
    const it = await monorepo(backend, options)
    const servers: BuiltServer[] = []
    made.push({ it, servers })
    const serve = async (more: Partial<ServerOptions> = {}) => {
      const server = await startServer({ projectDir: it.dir, ...more, env: { ...it.env, ...more.env } })
      servers.push(server)
      return server
    }
    return { it, serve }
  }
  const execute = (server: BuiltServer, { next }: Answer, more: Record<string, unknown> = {}) =>
    server.call('execute_rollback', { ...next[0].arguments, ...more })
  const all = { core: '1.1.0', cli: '1.1.0', ui: '1.1.0' }

  test('the assessment of one package names the others of its release, and offers to take back all', async () => {
    const { serve } = await released()
    const assessment = await (await serve()).call('assess_rollback', { target: 'cli' })
    expect(assessment.released_with).toMatchObject([
      { target: 'core', version: '1.2.0', failed: true, bond: 'same version' },
      { target: 'ui', version: '1.2.0', failed: false }
    ])
    expect(assessment.summary).toMatch(/with it {2}core 1\.2\.0: FAILED/)
    expect(assessment.next[0]).toMatchObject({ tool: 'assess_rollback', arguments: { target: 'cli,core,ui' } })
  })

  test('assess, dry run, execute, verify and report of all as one: each goes back, the package before what pulls it', async () => {
    const { it, serve } = await released()
    const server = await serve()
    const assessment = await server.call('assess_rollback', { target: 'all' })
    expect(assessment).toMatchObject({
      blockers: [],
      plan: { version: 'core=1.1.0,ui=1.1.0,cli=1.1.0', order: ['core', 'ui', 'cli'], on_failure: 'stop' }
    })
    expect(assessment.served_together_until).not.toBeNull()

    const dry = await execute(server, assessment, { dry_run: true })
    expect(dry).toMatchObject({ outcome: 'checked', dry_run: true })
    expect(await it.latest()).toEqual({ core: '1.2.0', cli: '1.2.0', ui: '1.2.0' })
    expect(server.questions).toEqual([])

    const done = await execute(server, assessment)
    expect(done).toMatchObject({ ok: true, outcome: 'succeeded' })
    expect(done.targets.map(({ target, outcome }: Answer) => `${target} ${outcome}`)).toEqual([
      'core succeeded',
      'ui succeeded',
      'cli succeeded'
    ])
    expect(done.summary).toContain('Result: ROLLBACK SUCCESS')
    expect(await it.latest()).toEqual(all)
    expect(await it.deprecation('core', '1.2.0')).toContain('core@1.1.0')
    expect(server.questions).toHaveLength(1)
    expect(server.questions[0]).toMatch(/1\. core: 1\.2\.0 to 1\.1\.0 \(.*\n2\. ui: .*\n3\. cli: /)

    const verified = await server.call('verify_rollback', { rollback_id: done.rollback_id })
    expect(verified).toMatchObject({ verdict: 'healthy' })
    expect(verified.targets).toHaveLength(3)
    const incident = await server.call('write_incident', { rollback_id: done.rollback_id })
    const report = await readFile(join(it.dir, incident.path), 'utf8')
    expect(report).toMatch(/\*\*Target:\*\* core, ui, cli/)
    expect(report).toMatch(/\*\*Rolled Back To:\*\* core: 1\.1\.0; ui: 1\.1\.0; cli: 1\.1\.0/)
    for (const target of ['core', 'ui', 'cli'])
      expect(report).toMatch(new RegExp(`- \\*\\*${target}:\\*\\* 1\\.2\\.0 was`))
    expect(report).toMatch(/group journal/)
    const newest = await server.call('write_incident')
    expect(newest.target).toBe('core, ui, cli')

    const { history } = (await it.deployed()) as { history: Answer[] }
    expect(history.filter(({ status }) => status === 'rolled_back').map(({ target }) => target)).toEqual(
      expect.arrayContaining(['core', 'ui', 'cli'])
    )
    for (const [path, text] of Object.entries(await it.files()))
      if (!path.endsWith('.npmrc')) expect(text.includes(backend.writer ?? ''), `${path} holds the token`).toBe(false)
  })

  test('a publication to one package in between makes the plan stale, and nothing is changed', async () => {
    const { it, serve } = await released()
    const server = await serve()
    const assessment = await server.call('assess_rollback', { target: 'all' })
    await it.publish('ui', '1.3.0')
    const refused = await execute(server, assessment)
    expect(refused).toMatchObject({ isError: true, error: { code: 'stale_plan' } })
    expect(refused.error.why).toBe('ui has changed: 1.3.0 is deployed there now')
    expect(await it.latest()).toEqual({ core: '1.2.0', cli: '1.2.0', ui: '1.3.0' })
    const journals = await readdir(join(it.dir, '.claude/popkit/rollbacks')).catch(() => [])
    expect(journals.filter((name) => name.endsWith('.jsonl'))).toEqual([])
  })

  test('one that went back already stays, and the others follow it', async () => {
    const { it, serve } = await released()
    const server = await serve()
    const alone = await server.call('assess_rollback', { target: 'core' })
    const { plan } = alone
    await server.call('execute_rollback', { target: 'core', version: plan.version, plan_id: plan.id })
    const assessment = await server.call('assess_rollback', { target: 'all' })
    expect(assessment.staying).toMatchObject([{ target: 'core', version: '1.1.0' }])
    expect(assessment.plan.order).toEqual(['ui', 'cli'])
    expect(await execute(server, assessment)).toMatchObject({ outcome: 'succeeded' })
    expect(await it.latest()).toEqual(all)
  })

  test('a host whose person says no begins nothing', async () => {
    const { it, serve } = await released()
    const server = await serve({ person: 'no' })
    const refused = await execute(server, await server.call('assess_rollback', { target: 'all' }))
    expect(refused).toMatchObject({ isError: true, error: { code: 'declined' } })
    expect(await it.latest()).toMatchObject({ core: '1.2.0' })
  })

  test('a host that cannot ask is refused, and told which target is not automatic', async () => {
    const automatic = (name: string) => ({ [name]: { type: 'npm', enabled: true, automatic: true } })
    const { it, serve } = await released()
    const file = (await it.deployed()) as { targets: Record<string, Answer> }
    for (const name of ['core', 'cli']) Object.assign(file.targets[name] ?? {}, { automatic: automatic(name) && true })
    await it.deploy(file as never)
    await it.commit()
    const server = await serve({ person: 'none' })
    const refused = await execute(server, await server.call('assess_rollback', { target: 'all' }))
    expect(refused).toMatchObject({ isError: true, error: { code: 'not_unattended' } })
    expect(refused.error.why).toContain('ui: targets.ui.automatic is not true')
    expect(refused.error.why).not.toContain('targets.core.automatic')
    Object.assign(file.targets.ui ?? {}, { automatic: true })
    await it.deploy(file as never)
    await it.commit()
    const done = await execute(server, await server.call('assess_rollback', { target: 'all' }))
    expect(done).toMatchObject({ outcome: 'succeeded' })
    expect(await it.latest()).toEqual(all)
  })

  test.each(['switching', 'proven'] as const)(
    'killed while one target is %s, another server finishes it, target by target seen',
    async (state) => {
      const { it, serve } = await released({ soakSeconds: 2 })
      const first = await serve()
      const assessment = await first.call('assess_rollback', { target: 'all' })
      const running = execute(first, assessment).catch(() => null)
      await reached(it, state)
      first.kill()
      await running

      const server = await serve()
      const seen = await server.call('assess_rollback', { target: 'core' })
      expect(seen.summary).toMatch(/a rollback of several targets that never ended/)
      const interrupted = await server.call('assess_rollback', { target: 'all' })
      expect(interrupted.interrupted.targets).toHaveLength(3)
      const finish = interrupted.next.find(({ when }: Answer) => when.startsWith('to finish'))
      const done = await server.call('execute_rollback', finish.arguments)
      expect(done).toMatchObject({ outcome: 'succeeded' })
      expect(await it.latest()).toEqual(all)
      const after = await server.call('assess_rollback', { target: 'all' })
      expect(after.interrupted).toBeUndefined()
    }
  )

  test('killed and undone, each package is as it was', async () => {
    const { it, serve } = await released({ soakSeconds: 2 })
    const first = await serve()
    const running = execute(first, await first.call('assess_rollback', { target: 'all' })).catch(() => null)
    await reached(it, 'proven')
    first.kill()
    await running
    expect(await it.latest()).toMatchObject({ core: '1.1.0' })
    const server = await serve()
    const interrupted = await server.call('assess_rollback', { target: 'all' })
    const undo = interrupted.next.find(({ when }: Answer) => when.startsWith('to undo'))
    const done = await server.call('execute_rollback', undo.arguments)
    expect(done.summary).toContain('UNDONE as asked')
    expect(await it.latest()).toEqual({ core: '1.2.0', cli: '1.2.0', ui: '1.2.0' })
  })

  test('on the command line all go back after one question; --auto is refused where a target is not automatic', async () => {
    const { it } = await released()
    const env = { PATH: process.env.PATH, HOME: it.dir, NO_COLOR: '1', ...it.env }
    const unattended = await commandLine(['rollback', '--target', 'all', '--auto'], it.dir, env)
    expect(unattended, unattended.stdout).toMatchObject({ code: 6 })
    expect(await it.latest()).toEqual({ core: '1.2.0', cli: '1.2.0', ui: '1.2.0' })
    const { code, stdout } = await answering(['rollback', '--target', 'all'], it.dir, env, [confirming])
    expect(code, stdout).toBe(0)
    expect(stdout).toMatch(/core serves 1\.1\.0 again \(was 1\.2\.0\)/)
    expect(await it.latest()).toEqual(all)
  })
})

/** Waits until the group's journal tells of a target in this state. */
async function reached(it: Monorepo, state: string): Promise<void> {
  for (;;) {
    const files = Object.entries(await it.files()).filter(([path]) => /\/rg-[^/]*\.jsonl$/.test(path))
    if (files.some(([, text]) => text.includes(`"state":"${state}"`))) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
