import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { DeploymentRecord } from '../../../src/model/deployment-record.ts'
import { npmrc, packumentOf } from '../../../testkit/npm/registry.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { bench, limit, moveTag, open, planTo, releaseNamed } from './package-fixture.ts'

describeOn('npm', 'npm plan', (backend) => {
  const { fresh, behind, cleanUp } = bench(backend)
  afterEach(cleanUp)

  test('the tag is moved first, the failed version deprecated after the proof', async () => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    const plan = await planTo(await open(made), '1.1.0')
    expect(plan.blockers).toEqual([])
    expect(plan.steps).toMatchObject([
      {
        id: 'set-tag:latest',
        phase: 'switch',
        params: { package: made.name, registry: backend.url, tag: 'latest', from: '1.2.0', to: '1.1.0' },
        manualCommands: [`npm dist-tag add ${made.name}@1.1.0 latest --registry=${backend.url}`],
        manualUndoCommands: [`npm dist-tag add ${made.name}@1.2.0 latest --registry=${backend.url}`]
      },
      {
        id: 'deprecate:1.2.0',
        phase: 'cleanup',
        params: { version: '1.2.0', message: `1.2.0 was rolled back; use ${made.name}@1.1.0 instead.`, former: '' }
      }
    ])
    expect(plan.notes.join('\n')).toMatch(/Lockfiles.*1\.2\.0[\s\S]*\^1\.2\.0[\s\S]*caches/)
  })

  test('the same observation and release give the same plan, and planning changes nothing', async () => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    const target = await open(made)
    const first = await planTo(target, '1.1.0')
    expect(await planTo(target, '1.1.0')).toEqual(first)
    const { tags, deprecated } = await packumentOf(backend.url ?? '', made.name)
    expect(tags).toEqual({ latest: '1.2.0' })
    expect(deprecated('1.2.0')).toBeFalsy()
  })

  test('a publication in between changes the fingerprint, one under another tag does not', async () => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    const target = await open(made)
    const { fingerprint } = (await target.observe(limit())).observation
    await made.publish('2.0.0-rc.1', { tag: 'next' })
    expect((await target.observe(limit())).observation.fingerprint).toEqual(fingerprint)
    await made.publish('1.3.0')
    expect((await target.observe(limit())).observation.fingerprint).not.toEqual(fingerprint)
  })

  test('a former deprecation message is kept within the new one, and remembered', async () => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0', { manifest: { deprecated: 'do not use' } })
    const { steps } = await planTo(await open(made), '1.1.0')
    expect(steps[1]?.params).toMatchObject({
      former: 'do not use',
      message: `do not use (1.2.0 was rolled back; use ${made.name}@1.1.0 instead.)`
    })
  })

  test.each([
    ['a sound backport that took the tag', ['1.9.4', '2.3.1', '1.9.5'], '2.3.1'],
    ['a prerelease that took the tag', ['1.9.4', '2.0.0-beta.1'], '1.9.4'],
    ['a new line', ['1.9.4', '2.0.0'], '1.9.4']
  ])('%s is left alone: only the tag is moved, and the plan says so', async (_, versions, to) => {
    const made = await fresh()
    for (const version of versions) await made.publish(version, { tag: 'latest' })
    const { steps, notes } = await planTo(await open(made), to)
    expect(steps.map(({ kind }) => kind)).toEqual(['set-tag'])
    expect(notes[0]).toMatch(/is not deprecated: .*may be sound.*npm deprecate/)
  })

  test('deprecating can be switched off', async () => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    const { steps } = await planTo(await open(made, { config: { deprecate: false } }), '1.1.0')
    expect(steps.map(({ kind }) => kind)).toEqual(['set-tag'])
  })

  test('a candidate whose tarball is gone blocks', async () => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    await behind(made, ({ path }) => (path.endsWith('1.1.0.tgz') ? { status: 404 } : undefined))
    const plan = await planTo(await open(made), '1.1.0')
    expect(plan.blockers).toMatchObject([{ id: 'tarball_gone:1.1.0' }])
  })

  test('a candidate whose tarball is not the recorded one blocks', async () => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    await behind(made, ({ path }) => (path.endsWith('1.1.0.tgz') ? { status: 200, body: 'something else' } : undefined))
    const plan = await planTo(await open(made), '1.1.0')
    expect(plan.blockers).toMatchObject([{ id: 'tarball_broken:1.1.0' }])
  })

  test('a candidate that was unpublished blocks', async () => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    const target = await open(made)
    const { observation, state } = await target.observe(limit())
    const gone = { ...releaseNamed(observation, '1.1.0'), version: '1.0.9', id: '1.0.9' }
    const plan = await target.plan(observation, state, gone, limit())
    expect(plan.blockers).toMatchObject([{ id: 'unpublished:1.0.9', next: expect.stringMatching(/another version/) }])
  })

  test('a deprecated candidate is a serious risk', async () => {
    const made = await fresh()
    await made.publish('1.1.0', { manifest: { deprecated: 'old' } })
    await made.publish('1.2.0')
    const plan = await planTo(await open(made), '1.1.0')
    expect(plan.risks).toContainEqual(expect.objectContaining({ id: 'candidate_deprecated:1.1.0', serious: true }))
  })

  test('a candidate with another digest than deploy.json recorded is a serious risk', async () => {
    const made = await fresh()
    const integrity = await made.publish('1.1.0')
    await made.publish('1.2.0')
    const record = (digest: string): DeploymentRecord => ({
      at: '2026-01-01T00:00:00.000Z',
      target: 'npm',
      version: '1.1.0',
      status: 'success',
      digest
    })
    const ids = async (digest: string) =>
      (await planTo(await open(made, { history: [record(digest)] }), '1.1.0')).risks.map(({ id }) => id)
    expect(await ids('sha512-other')).toContain('digest_moved:1.1.0')
    expect(await ids(integrity)).not.toContain('digest_moved:1.1.0')
  })

  test('a missing login blocks, and trusted publishing is named as no substitute', async () => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    await writeFile(join(made.dir, 'user-npmrc'), npmrc(backend.url ?? '', ''))
    expect((await planTo(await open(made), '1.1.0')).blockers).toMatchObject([
      { id: 'not_logged_in', next: expect.stringMatching(/npm login/) }
    ])
    const job = await planTo(
      await open(made, { env: { ...made.env, ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x' } }),
      '1.1.0'
    )
    expect(job.blockers).toMatchObject([
      { id: 'not_logged_in', why: expect.stringMatching(/trusted publishing.*cannot move/) }
    ])
  })

  test('a registry that only the project names gets the login that the user binds to it, and no other', async () => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    const { host } = new URL(backend.url ?? '')
    await writeFile(join(made.dir, '.npmrc'), `registry=${backend.url}\n`)
    const planWith = async (login: string) => {
      await writeFile(join(made.dir, 'user-npmrc'), login)
      return planTo(await open(made), '1.1.0')
    }
    expect((await planWith(`//${host}/:_authToken=${backend.writer}\n`)).blockers).toEqual([])
    const { blockers } = await planWith(`//registry.npmjs.org/:_authToken=${backend.writer}\n`)
    expect(blockers).toMatchObject([
      {
        id: 'not_logged_in',
        why: expect.stringMatching(/only the project names/),
        next: expect.stringContaining(`npm login --registry=${backend.url}`)
      }
    ])
    const secret = await fresh(undefined, `@members/pop-plan-${process.pid}-${Date.now().toString(36)}`)
    await writeFile(join(secret.dir, 'user-npmrc'), '')
    await writeFile(join(secret.dir, '.npmrc'), `registry=${backend.url}\n`)
    await expect((await open(secret)).observe(limit())).rejects.toMatchObject({
      why: expect.stringMatching(/^No login was sent to 127/),
      next: expect.stringMatching(/npm login --registry/)
    })
  })

  test('a login that the registry refuses blocks', async () => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    await behind(made, ({ path }) => (path === '/-/whoami' ? { status: 401 } : undefined))
    expect((await planTo(await open(made), '1.1.0')).blockers).toMatchObject([{ id: 'login_refused' }])
  })

  test('a user whom the registry lists without a right to write blocks', async () => {
    const made = await fresh(backend.reader)
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    const lists = (rights: Record<string, string>) =>
      behind(
        made,
        ({ path }) => (path.endsWith('/collaborators') ? { status: 200, body: rights } : undefined),
        backend.reader
      )
    await lists({ writer: 'write' })
    expect((await planTo(await open(made), '1.1.0')).blockers).toMatchObject([{ id: 'no_rights' }])
    await lists({ writer: 'write', reader: 'read' })
    expect((await planTo(await open(made), '1.1.0')).blockers).toMatchObject([{ id: 'no_rights' }])
    await lists({ reader: 'write' })
    expect((await planTo(await open(made), '1.1.0')).blockers).toEqual([])
  })

  test('rights that the registry does not tell are a risk, not a success', async () => {
    const made = await fresh(backend.reader)
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    const plan = await planTo(await open(made), '1.1.0')
    expect(plan.blockers).toEqual([])
    expect(plan.risks.map(({ id }) => id)).toEqual(['rights_unknown'])
  })

  test('other tags on the failed version move with it, after the proof; with a sound version they stay', async () => {
    const made = await fresh()
    for (const version of ['1.1.0', '1.2.0']) await made.publish(version)
    for (const tag of ['next', 'stable']) await moveTag(backend, made.name, tag, '1.2.0')
    const { steps } = await planTo(await open(made), '1.1.0')
    expect(steps.map(({ id, phase }) => [id, phase])).toEqual([
      ['set-tag:latest', 'switch'],
      ['set-tag:next', 'cleanup'],
      ['set-tag:stable', 'cleanup'],
      ['deprecate:1.2.0', 'cleanup']
    ])
    await made.publish('1.0.9')
    await moveTag(backend, made.name, 'lts', '1.0.9')
    const backport = await planTo(await open(made), '1.2.0')
    expect(backport.steps.map(({ id }) => id)).toEqual(['set-tag:latest'])
    expect(backport.notes.join()).toContain('These tags stay at 1.0.9: lts')
  })

  test('versions between the candidate and the failed one are named, and deprecated where deploy.json says so', async () => {
    const made = await fresh()
    for (const version of ['1.1.0', '1.2.0-beta.1', '1.2.0-beta.2', '1.2.0', '1.3.0']) await made.publish(version)
    const { steps, notes } = await planTo(await open(made), '1.1.0')
    expect(steps.map(({ id }) => id)).toEqual(['set-tag:latest', 'deprecate:1.3.0'])
    expect(notes.join()).toMatch(
      /Between 1\.1\.0 and the failed version: 1\.2\.0-beta\.1, 1\.2\.0-beta\.2, 1\.2\.0\. They are not.*npm deprecate/
    )
    const wanted = await planTo(await open(made, { config: { deprecate: 'between' } }), '1.1.0')
    expect(wanted.steps.slice(2).map(({ id }) => id)).toEqual([
      'deprecate:1.2.0-beta.1',
      'deprecate:1.2.0-beta.2',
      'deprecate:1.2.0'
    ])
  })
})
