import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import type { Answer, BuiltServer } from '../../../testkit/built-server.ts'
import { unpublish } from '../../../testkit/npm/publish.ts'
import { packumentOf } from '../../../testkit/npm/registry.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { type Deployment, deployment } from './deployment.ts'
import { bench } from './package-fixture.ts'
import type { Asked, Answer as FaultAnswer } from './proxy.ts'

describeOn('npm', 'npm through the built server', (backend) => {
  const around = bench(backend)
  const servers: BuiltServer[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close().catch(() => undefined)
    await around.cleanUp()
  })

  const deployed = (token?: string) => deployment(around, servers, token)
  const now = ({ made }: Deployment) => packumentOf(backend.url ?? '', made.name)
  const execute = (server: BuiltServer, { plan }: Answer, more: Record<string, unknown> = {}) =>
    server.call('execute_rollback', { target: 'npm', version: plan.version, plan_id: plan.id, ...more })

  test('assess, dry run, execute, verify, report: the broken version is taken back and deprecated, and nothing says the token', async () => {
    const it = await deployed()
    const server = await it.serve()
    const answers: Answer[] = []
    const keep = async (answer: Promise<Answer>) => {
      answers.push(await answer)
      return answer
    }

    const assessment = await keep(server.call('assess_rollback', { investigate: true }))
    expect(assessment).toMatchObject({
      target: 'npm',
      current: { version: '1.2.0', failed: true },
      recommended: { version: '1.1.0' },
      blockers: []
    })
    expect(assessment.plan.steps.map(({ id }: Answer) => id)).toEqual(['set-tag:latest', 'deprecate:1.2.0'])

    const dry = await keep(execute(server, assessment, { dry_run: true }))
    expect(dry).toMatchObject({ outcome: 'checked', dry_run: true })
    expect((await now(it)).tags.latest).toBe('1.2.0')

    const done = await keep(execute(server, assessment))
    expect(done).toMatchObject({ outcome: 'succeeded', from: { version: '1.2.0' }, to: { version: '1.1.0' } })
    expect(done.summary).toContain('Result: ROLLBACK SUCCESS')
    const aftermath = /to do[\s\S]*Lockfiles[\s\S]*\^1\.2\.0[\s\S]*update themselves[\s\S]*Mirrors/
    expect(done.summary).toMatch(aftermath)
    expect((await now(it)).tags.latest).toBe('1.1.0')
    expect((await now(it)).deprecated('1.2.0')).toContain(`${it.made.name}@1.1.0`)

    const verified = await keep(server.call('verify_rollback', { rollback_id: done.rollback_id }))
    expect(verified).toMatchObject({ verdict: 'healthy' })
    const incident = await keep(server.call('write_incident', { rollback_id: done.rollback_id }))
    const report = await readFile(join(it.made.dir, incident.path), 'utf8')
    expect(report).toMatch(/Failed Version:\*\* 1\.2\.0[\s\S]*Rolled Back To:\*\* 1\.1\.0/)
    expect(report).toMatch(/What Remains[\s\S]*Lockfiles/)
    expect(report).toMatch(/@1\.2\.0 was published \*\(registry /)
    const again = await keep(server.call('assess_rollback', { version: '1.2.0' }))
    expect(again.recommended?.version).not.toBe('1.2.0')

    const files = await it.files()
    expect(Object.keys(files).some((path) => path.endsWith('.jsonl'))).toBe(true)
    for (const [path, text] of Object.entries({ ...files, answers: JSON.stringify(answers), stderr: server.stderr() }))
      expect(text.includes(it.token), `${path} holds the token`).toBe(false)
  })

  test('a host that shows no progress has nobody to confirm a web login: the rollback ends manual', async () => {
    const it = await deployed()
    const log = await it.fault(({ method, headers }) => {
      const origin = `http://${headers.host}/-/login`
      const body = { authUrl: origin, doneUrl: origin }
      return method === 'PUT' ? { status: 401, headers: { 'www-authenticate': 'OTP' }, body } : undefined
    })
    const server = await it.serve()
    const done = await execute(server, await server.call('assess_rollback'))
    expect(log).not.toContain('GET /-/login')
    expect(done).toMatchObject({ outcome: 'manual' })
    expect(done.summary).toContain('granular access token')
  })

  test('without deploy.json the package of package.json is assessed from what the registry knows, and it is said', async () => {
    const it = await deployed()
    await rm(join(it.made.dir, '.claude'), { recursive: true })
    const assessment = await (await it.serve()).call('assess_rollback')
    expect(assessment).toMatchObject({ current: { version: '1.2.0' }, recommended: { version: '1.1.0' } })
    expect(assessment.summary).toMatch(/package\.json names the package/)
    expect(assessment.recommended.for[0]).toMatch(/inferred.*superseded by 1\.2\.0/)
  })

  test('a plan made stale by a publication in between is refused, and nothing is changed', async () => {
    const it = await deployed()
    const server = await it.serve()
    const assessment = await server.call('assess_rollback')
    await it.made.publish('1.3.0')
    const refused = await execute(server, assessment)
    expect(refused).toMatchObject({ isError: true, error: { code: 'stale_plan' } })
    expect((await now(it)).tags.latest).toBe('1.3.0')
  })

  test('missing rights are told before or at the first step, and nothing is changed', async () => {
    const it = await deployed(backend.reader)
    const server = await it.serve()
    const assessment = await server.call('assess_rollback')
    expect(assessment.risks.map(({ id }: Answer) => id)).toContain('rights_unknown')
    const result = await execute(server, assessment)
    expect(result.outcome).toBe('undone')
    expect(result.summary).toMatch(/403|no right/)
    expect((await now(it)).tags.latest).toBe('1.2.0')
    expect((await now(it)).deprecated('1.2.0')).toBeFalsy()
  })

  test('a version that was unpublished is refused before anything is changed', async () => {
    const it = await deployed()
    await unpublish(backend.url ?? '', it.token, it.made.name, '1.1.0')
    const server = await it.serve()
    const assessment = await server.call('assess_rollback')
    expect(assessment.recommended).toBeNull()
    const asked = await server.call('assess_rollback', { version: '1.1.0' })
    expect(asked.blockers ?? [asked.error]).toMatchObject([{ id: 'unpublished:1.1.0' }])
    expect(await execute(server, asked)).toMatchObject({ isError: true, error: { code: 'unpublished:1.1.0' } })
    expect((await now(it)).tags.latest).toBe('1.2.0')
  })

  test('a registry that is down is a clear error of the assessment', async () => {
    const it = await deployed()
    await it.fault(() => 'hang up')
    const server = await it.serve()
    const answer = await server.call('assess_rollback')
    expect(answer).toMatchObject({ isError: true, error: { code: 'registry_down' } })
    expect(answer.summary).toContain('Nothing was changed')
  })

  test('a one-time password without web login ends manual, with the command', async () => {
    const it = await deployed()
    await it.fault(({ method }) =>
      method === 'PUT' ? { status: 401, headers: { 'www-authenticate': 'OTP' } } : undefined
    )
    const server = await it.serve()
    const result = await execute(server, await server.call('assess_rollback'))
    expect(result.outcome).toBe('manual')
    expect(result.summary).toContain(`npm dist-tag add ${it.made.name}@1.1.0 latest`)
    expect((await now(it)).tags.latest).toBe('1.2.0')
  })

  test('a call that is cancelled while it waits for a web login ends there, with nothing changed and nothing left behind', async () => {
    const it = await deployed()
    await it.fault(({ method, path, headers }): FaultAnswer | undefined => {
      if (path === '/-/done') return { status: 202, headers: { 'retry-after': '0' } }
      if (method !== 'PUT') return undefined
      const origin = `http://${headers.host}`
      const body = { authUrl: `${origin}/auth/cli/1`, doneUrl: `${origin}/-/done` }
      return { status: 401, headers: { 'www-authenticate': 'OTP' }, body }
    })
    const server = await it.serve()
    const { plan } = await server.call('assess_rollback')
    const cancel = new AbortController()
    const asked = { target: 'npm', version: plan.version, plan_id: plan.id }
    const onProgress = (message: string): void => {
      if (message.includes('/auth/cli/1')) cancel.abort()
    }
    await expect(server.call('execute_rollback', asked, { onProgress, signal: cancel.signal })).rejects.toThrow()
    const journals = join(it.made.dir, '.claude/popkit/rollbacks')
    await vi.waitFor(
      async () => {
        const [file = ''] = (await readdir(journals)).filter((name) => name.endsWith('.jsonl'))
        const last = (await readFile(join(journals, file), 'utf8')).trim().split('\n').at(-1)
        expect(JSON.parse(last ?? '')).toMatchObject({ event: 'ended', outcome: 'cancelled' })
      },
      { timeout: 30_000 }
    )
    expect((await now(it)).tags.latest).toBe('1.2.0')
    expect((await server.call('assess_rollback')).interrupted ?? null).toBeNull()
  })

  test('cleanup that fails is named under what remains, and does not undo the switch', async () => {
    const it = await deployed()
    await it.fault(({ method, path }) =>
      method === 'PUT' && path === `/${it.made.name}` ? { status: 500 } : undefined
    )
    const server = await it.serve()
    const result = await execute(server, await server.call('assess_rollback'))
    expect(result.outcome).toBe('succeeded')
    expect(result.remains.join('\n')).toMatch(/npm deprecate/)
    expect((await now(it)).tags.latest).toBe('1.1.0')
  })

  test('two rollbacks started at once: one runs', async () => {
    const it = await deployed()
    const [one, two] = [await it.serve(), await it.serve()]
    const assessment = await one.call('assess_rollback')
    const results = await Promise.all([execute(one, assessment), execute(two, assessment)])
    expect(results.filter(({ outcome }) => outcome === 'succeeded')).toHaveLength(1)
    expect(results.filter(({ isError }) => isError)).toHaveLength(1)
    expect((await now(it)).tags.latest).toBe('1.1.0')
  })

  test.each([
    ['a command', '1.1.0; rm -rf ~'],
    ['a path', '../../x'],
    ['an option', '--privileged'],
    ['10,000 characters', '1'.repeat(10_000)],
    ['invisible Unicode', '1.1.0\u200b']
  ])('a version with %s is a clear error', async (_, version) => {
    const it = await deployed()
    const server = await it.serve()
    const answer = await server.call('assess_rollback', { version })
    expect(answer).toMatchObject({ isError: true, error: { code: 'bad_version' } })
    const executed = await server.call('execute_rollback', {
      version,
      target: 'npm',
      plan_id: 'plan-00000000-00000000-00000000-00000000'
    })
    expect(executed).toMatchObject({ isError: true, error: { code: 'bad_version' } })
  })

  const isTag = ({ method, path }: Asked) => method === 'PUT' && path.includes('/dist-tags/')
  const isDeprecation =
    (name: string) =>
    ({ method, path }: Asked) =>
      method === 'PUT' && path === `/${name}`

  /** Kills the server when it sends a request; `reaches` says whether the request still gets to the registry. */
  async function killedAt(it: Deployment, which: (asked: Asked) => boolean, reaches: boolean): Promise<Answer> {
    let armed = true
    let kill = (): void => undefined
    await it.fault((asked) => {
      if (!armed || !which(asked)) return undefined
      armed = false
      kill()
      return reaches ? undefined : 'hang up'
    })
    const first = await it.serve()
    kill = () => first.kill()
    const assessment = await first.call('assess_rollback')
    await expect(execute(first, assessment)).rejects.toThrow()
    expect(armed).toBe(false)
    const second = await it.serve()
    return { server: second, assessment: await second.call('assess_rollback') }
  }

  const resume = (server: BuiltServer, { id, version }: Answer) =>
    server.call('execute_rollback', { target: 'npm', version, plan_id: id })

  test.each([true, false])(
    'killed while the tag is set (arrives: %s), it is found and can be finished',
    async (reaches) => {
      const it = await deployed()
      const { server, assessment } = await killedAt(it, isTag, reaches)
      expect(assessment.interrupted).toMatchObject({ from: '1.2.0', to: '1.1.0' })
      const result = await resume(server, assessment.interrupted.finish)
      expect(result.outcome).toBe('succeeded')
      expect((await now(it)).tags.latest).toBe('1.1.0')
      expect((await now(it)).deprecated('1.2.0')).toBeTruthy()
      expect((await server.call('assess_rollback')).interrupted ?? null).toBeNull()
    }
  )

  test.each([true, false])('killed while the tag is set (arrives: %s), it can be undone', async (reaches) => {
    const it = await deployed()
    const { server, assessment } = await killedAt(it, isTag, reaches)
    const result = await resume(server, assessment.interrupted.undo)
    expect(result.outcome).toBe('undone')
    expect((await now(it)).tags).toEqual({ latest: '1.2.0' })
    expect((await now(it)).deprecated('1.2.0')).toBeFalsy()
  })

  test('killed while the failed version is deprecated, it is found and can be finished', async () => {
    const it = await deployed()
    const { server, assessment } = await killedAt(it, isDeprecation(it.made.name), false)
    expect(assessment.interrupted.undo ?? null).toBeNull()
    const result = await resume(server, assessment.interrupted.finish)
    expect(result.outcome).toBe('succeeded')
    expect((await now(it)).deprecated('1.2.0')).toBeTruthy()
  })
})
