import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Release } from '../../../src/model/release.ts'
import { rankCandidates, recommend } from '../../../src/rollback/assess/candidates.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { bench, limit, moveTag, open } from './package-fixture.ts'

describeOn('npm', 'npm observation', (backend) => {
  const { fresh, behind, cleanUp } = bench(backend)
  afterEach(cleanUp)
  const named = (releases: Release[], version: string): Release | undefined =>
    releases.find((release) => release.version === version)

  test('the current version is what the dist-tag points at, whatever else is published', async () => {
    const made = await fresh()
    await made.publish('1.0.0')
    await made.publish('1.1.0')
    await made.publish('2.0.0-rc.1', { tag: 'next' })
    const observation = (await (await open(made)).observe(limit())).observation
    expect(observation.current?.version).toBe('1.1.0')
    expect(observation.current?.id).toMatch(/^sha512-/)
    expect(observation.health.state).toBe('healthy')
    expect(observation.releases.map(({ version }) => version).sort()).toEqual(['1.0.0', '2.0.0-rc.1'])
    expect(named(observation.releases, '2.0.0-rc.1')).toMatchObject({ prerelease: true })
  })

  test('a version that was the newest when it was published is inferred to have served until the next', async () => {
    const made = await fresh()
    await made.publish('1.0.0')
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    const { releases } = (await (await open(made)).observe(limit())).observation
    const served = named(releases, '1.1.0')?.served
    expect(served?.source).toMatch(/inferred.*superseded by 1\.2\.0/)
    expect(served?.forMs).toBeGreaterThanOrEqual(0)
    expect(named(releases, '1.0.0')?.served?.until).toBe(served?.from)
  })

  test('where the registry tells no times, versions are ordered as such, and what is missing is said', async () => {
    const made = await fresh()
    for (const version of ['1.0.0', '1.9.0', '1.10.0', '1.11.0', '2.0.0-rc.1']) await made.publish(version)
    await moveTag(backend, made.name, 'latest', '1.11.0')
    await behind(made, async ({ path, method }) => {
      if (method !== 'GET' || path !== `/${made.name}`) return undefined
      const { time: _, ...body } = (await (await fetch(`${backend.url}${made.name}`)).json()) as Record<string, unknown>
      return { status: 200, body }
    })
    const recorded = { at: '2026-01-01T00:00:00.000Z', target: 'npm', version: '1.10.0', status: 'rolled_back' }
    for (const [history, expected] of [
      [[], '1.10.0'],
      [[recorded], '1.9.0']
    ] as const) {
      const { current, releases, notes } = (await (await open(made, { history })).observe(limit())).observation
      const evidence = { history, formerRollbacks: [], now: '2026-06-01T00:00:00.000Z' }
      const best = recommend(current, rankCandidates(current, releases, evidence))
      expect(best?.release.version).toBe(expected)
      expect(best?.evidenceFor.join()).toMatch(/order of versions; the registry tells no times/)
      expect(notes.join()).toMatch(/does not tell when versions were published/)
    }
  })

  test('a backport published by mistake as latest leads back to the newer version that served before', async () => {
    const made = await fresh()
    await made.publish('1.0.0')
    await made.publish('2.0.0')
    await made.publish('1.0.1')
    const { current, releases } = (await (await open(made)).observe(limit())).observation
    expect(current?.version).toBe('1.0.1')
    expect(named(releases, '2.0.0')?.served?.until).toBe(current?.createdAt)
    expect(named(releases, '2.0.0')?.against).toBeUndefined()
  })

  test('a version published after the one the tag points at speaks against itself', async () => {
    const made = await fresh()
    await made.publish('1.0.0')
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    const target = await open(made)
    const before = await target.observe(limit())
    const step = (
      await target.plan(
        before.observation,
        before.state,
        named(before.observation.releases, '1.1.0') as Release,
        limit()
      )
    ).steps[0]
    expect(step?.kind).toBe('set-tag')
    await moveTag(backend, made.name, 'latest', '1.1.0')
    const { current, releases } = (await target.observe(limit())).observation
    expect(current?.version).toBe('1.1.0')
    expect(named(releases, '1.2.0')?.against?.[0]).toMatch(/published after 1\.1\.0/)
    expect(named(releases, '1.2.0')?.served).toBeUndefined()
    expect(named(releases, '1.0.0')?.served?.until).toBe(current?.createdAt)
  })

  test('another tag goes through the prereleases of its own line', async () => {
    const made = await fresh()
    await made.publish('1.0.0')
    await made.publish('2.0.0-beta.1', { tag: 'beta' })
    await made.publish('2.0.0-alpha.9', { tag: 'alpha' })
    await made.publish('2.0.0-beta.2', { tag: 'beta' })
    const { current, releases } = (await (await open(made, { config: { tag: 'beta' } })).observe(limit())).observation
    expect(current?.version).toBe('2.0.0-beta.2')
    expect(releases.filter(({ served }) => served).map(({ version }) => version)).toEqual(['2.0.0-beta.1'])
  })

  test('a deprecated version is named as such, and a deprecated current one is degraded', async () => {
    const made = await fresh()
    await made.publish('1.0.0', { manifest: { deprecated: 'leaks\u202e memory' } })
    await made.publish('1.1.0', { manifest: { deprecated: 'broken' } })
    const { health, releases } = (await (await open(made)).observe(limit())).observation
    expect(health).toEqual({ state: 'degraded', message: '1.1.0 is deprecated: "broken"' })
    expect(named(releases, '1.0.0')?.against).toEqual(['deprecated: "leaks memory"'])
  })

  test('an unpublished version is named as gone', async () => {
    const made = await fresh()
    await made.publish('1.0.0')
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    await behind(made, async ({ method, path }) => {
      if (method !== 'GET' || path !== `/${made.name}`) return undefined
      const answer = (await (await fetch(`${backend.url}${made.name}`)).json()) as { versions: Record<string, unknown> }
      delete answer.versions['1.1.0']
      return { status: 200, body: answer }
    })
    const { releases } = (await (await open(made)).observe(limit())).observation
    expect(named(releases, '1.1.0')?.available).toMatchObject({
      state: 'no',
      reason: expect.stringMatching(/unpublished/)
    })
    expect(named(releases, '1.1.0')?.createdAt).toMatch(/^\d{4}-.*Z$/)
  })

  test('a current version whose tarball is gone is down', async () => {
    const made = await fresh()
    await made.publish('1.0.0')
    await behind(made, ({ path }) => (path.endsWith('.tgz') ? { status: 404 } : undefined))
    const { health } = (await (await open(made)).observe(limit())).observation
    expect(health).toMatchObject({ state: 'down', message: expect.stringMatching(/tarball is gone/) })
  })

  test('a package that does not exist is a clear error', async () => {
    const made = await fresh()
    await expect((await open(made)).observe(limit())).rejects.toMatchObject({
      code: 'not_found',
      state: 'Nothing was changed.',
      what: expect.stringContaining(made.name)
    })
  })

  test('a registry that is down is a clear error that may be tried again', async () => {
    const made = await fresh()
    const proxy = await behind(made, () => undefined)
    await proxy.stop()
    await expect((await open(made)).observe(limit())).rejects.toMatchObject({ code: 'registry_down', retryable: true })
  })

  test('a registry that hangs up or fails is a clear error', async () => {
    const made = await fresh()
    await behind(made, () => 'hang up')
    await expect((await open(made)).observe(limit())).rejects.toMatchObject({ code: 'registry_down' })
    await behind(made, () => ({ status: 503 }))
    await expect((await open(made)).observe(limit())).rejects.toMatchObject({
      code: 'registry_failing',
      retryable: true
    })
  })

  test.each(['an answer', 'a refusal'])('%s without end is given up, with little memory', async (kind) => {
    const made = await fresh()
    const endless = createServer((_, outgoing) => {
      outgoing.writeHead(kind === 'an answer' ? 200 : 403, { 'content-type': 'application/json' })
      const chunk = Buffer.alloc(1024 * 1024, ' ')
      const more = (): void => {
        while (!outgoing.destroyed && outgoing.write(chunk));
      }
      outgoing.on('drain', more)
      more()
    })
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve))
    const registry = `http://127.0.0.1:${(endless.address() as AddressInfo).port}/`
    const target = await open(made, { config: { registry } })
    const before = process.memoryUsage().rss
    await expect(target.observe(limit())).rejects.toMatchObject({ code: 'too_large' })
    expect(process.memoryUsage().rss - before).toBeLessThan(600 * 1024 * 1024)
    endless.closeAllConnections()
    endless.close()
  })

  test('an answer that is no registry answer is a clear error', async () => {
    const made = await fresh()
    await behind(made, () => ({ status: 200, body: ['a login page'] }))
    await expect((await open(made)).observe(limit())).rejects.toMatchObject({ code: 'not_a_registry' })
  })

  test('an observation that is aborted ends at once', async () => {
    const made = await fresh()
    await behind(made, () => new Promise(() => undefined))
    const target = await open(made)
    const stop = new AbortController()
    const observation = target.observe(stop.signal)
    setTimeout(() => stop.abort(new Error('enough')), 100)
    await expect(observation).rejects.toThrow('enough')
  })
})
