import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Answer } from '../../../testkit/built-server.ts'
import type { Asked } from '../../fakes/fake-server.ts'
import { upload, yank } from '../../fakes/pypi/state.ts'
import { commandLine } from '../../harness/command-line.ts'
import { type Deployed, deployed } from '../../harness/deployment.ts'
import { type World, world } from './fixture.ts'

describe('PyPI, end to end', () => {
  let it: World
  let project: Deployed
  beforeEach(async () => {
    it = await world()
    project = await deployed(
      'pypi',
      { registry: it.pypi.registry, package: 'Demo-Project', distributions: ['sdist', 'wheel'] },
      { good: '1.1.0', failed: '1.2.0' },
      { PIP_INDEX_URL: '', UV_INDEX_URL: '' }
    )
  })
  afterEach(async () => {
    await project.remove()
    await it.remove()
  })

  test('it ends manual with the page, the release and the reason; the yank then shows in the verification', async () => {
    const server = await project.serve()
    const assessment = await server.call('assess_rollback', { investigate: true })
    expect(assessment).toMatchObject({
      current: { version: '1.2.0', failed: true },
      recommended: { version: '1.1.0' },
      blockers: []
    })
    expect(await project.execute(server, assessment, { dry_run: true })).toMatchObject({ outcome: 'checked' })
    const result = await project.execute(server, assessment)
    expect(result.outcome).toBe('manual')
    expect(result.summary).not.toMatch(/SUCCESS/)
    expect(result.summary).toContain(`${it.pypi.url}/manage/project/Demo-Project/releases/`)
    expect(result.summary).toContain('paste as the reason: Broken release; use Demo-Project 1.1.0.')

    const early = await server.call('verify_rollback', { rollback_id: result.rollback_id })
    expect(early).toMatchObject({ verdict: 'unhealthy' })
    expect(early.summary).toMatch(/they take 1\.2\.0, not 1\.1\.0/)

    yank(it.pypi.state, '1.2.0', 'Broken release; use Demo-Project 1.1.0.')
    const late = await server.call('verify_rollback', { rollback_id: result.rollback_id })
    expect(late).toMatchObject({ verdict: 'healthy', version: '1.1.0' })
    expect(late.summary).toContain(`record --rollback ${result.rollback_id}`)

    const env = { PATH: process.env.PATH, HOME: project.project.dir, PIP_INDEX_URL: '', UV_INDEX_URL: '' }
    const args = ['record', '--rollback', result.rollback_id]
    expect(await commandLine(args, project.project.dir, env)).toMatchObject({ code: 0 })
    expect((await commandLine(args, project.project.dir, env)).stdout).toContain('Already recorded')
    const { history } = JSON.parse(await readFile(project.project.deployFile, 'utf8'))
    expect(history).toHaveLength(3)
    expect(history[0]).toMatchObject({
      version: '1.2.0',
      status: 'rolled_back',
      rollback_to: '1.1.0',
      outcome: 'manual'
    })

    const incident = await server.call('write_incident', { rollback_id: result.rollback_id })
    const report = await readFile(join(project.project.dir, incident.path), 'utf8')
    expect(report).toMatch(/Failed Version:\*\* 1\.2\.0/)
    const after = await server.call('assess_rollback')
    expect(after.current.version).toBe('1.1.0')
    expect(after.recommended?.version).not.toBe('1.2.0')
  })

  test('a yank that a person does while the caches still answer is inconclusive, and healthy after the soak', async () => {
    const server = await project.serve()
    const result = await project.execute(server, await server.call('assess_rollback'))
    it.pypi.freeze(true)
    yank(it.pypi.state, '1.2.0')
    expect(await server.call('verify_rollback', { rollback_id: result.rollback_id })).toMatchObject({
      verdict: 'inconclusive'
    })
    let looks = 0
    it.pypi.fault(({ path }) => {
      if (path.startsWith('/simple/') && ++looks === 2) it.pypi.freeze(false)
      return undefined
    })
    expect(await server.call('verify_rollback', { rollback_id: result.rollback_id, soak_seconds: 3 })).toMatchObject({
      verdict: 'healthy'
    })
  })

  test('a verification with a soak waits until a person has yanked it, and without one tells what is', async () => {
    const server = await project.serve()
    const result = await project.execute(server, await server.call('assess_rollback'))
    const { rollback_id } = result
    expect(await server.call('verify_rollback', { rollback_id })).toMatchObject({ verdict: 'unhealthy' })
    let looks = 0
    it.pypi.fault(({ path }) => {
      if (path.startsWith('/simple/') && ++looks === 3) yank(it.pypi.state, '1.2.0')
      return undefined
    })
    expect(await server.call('verify_rollback', { rollback_id, soak_seconds: 6 })).toMatchObject({
      verdict: 'healthy'
    })
    it.pypi.fault(undefined)
    yank(it.pypi.state, '1.2.0', null, false)
    expect(await server.call('verify_rollback', { rollback_id, soak_seconds: 2 })).toMatchObject({
      verdict: 'unhealthy'
    })
  })

  test('the version between that would be yanked, too, is a risk to accept', async () => {
    upload(it.pypi.state, '1.1.5')
    const server = await project.serve()
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(await project.execute(server, assessment)).toMatchObject({ error: { code: 'risks_not_accepted' } })
    const accept = assessment.risks.flatMap(({ id, serious }: Answer) => (serious ? [id] : []))
    const result = await project.execute(server, assessment, { accept })
    expect(result.summary).toMatch(/release 1\.2\.0 choose[\s\S]*release 1\.1\.5 choose/)
  })

  test('an upload or a yank in between makes the plan out of date', async () => {
    const server = await project.serve()
    const assessment = await server.call('assess_rollback')
    upload(it.pypi.state, '1.3.0')
    expect(await project.execute(server, assessment)).toMatchObject({ isError: true, error: { code: 'stale_plan' } })
  })

  test('files that are gone may be deleted or in quarantine: said, and refused', async () => {
    const version = it.pypi.state.versions.find((one) => one.version === '1.1.0')
    if (version) version.files = []
    const server = await project.serve()
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(assessment.summary).toMatch(/accepted twice, or the release is in quarantine/)
    expect(assessment.blockers).toMatchObject([{ id: 'files_gone:1.1.0' }])
  })

  test.each<[string, (asked: Asked) => object | string, RegExp]>([
    [
      'HTML of a login page',
      () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: '<h1>' }),
      /JSON/
    ],
    ['10 MB', () => ({ status: 200, body: `"${'x'.repeat(10 * 1024 * 1024)}"` }), /longer than/],
    [
      'a redirect to another host',
      () => ({ status: 301, headers: { location: 'https://elsewhere.example/' } }),
      /another host/
    ],
    ['a hang-up', () => 'hang up', /cannot be reached/]
  ])('%s is a clear error', async (_, given, says) => {
    it.pypi.fault((asked) => (asked.path.startsWith('/simple/') ? (given(asked) as never) : undefined))
    const server = await project.serve()
    const answer = await server.call('assess_rollback')
    expect(answer.isError).toBe(true)
    expect(answer.summary).toMatch(says)
  })

  test('names of files and reasons cannot steer a terminal', async () => {
    yank(it.pypi.state, '1.0.0', '\u001b[2J\u202e<script>')
    const server = await project.serve()
    const assessment = await server.call('assess_rollback')
    expect(assessment.isError).toBeFalsy()
    expect(JSON.stringify(assessment)).not.toMatch(/\\u001b|\\u202e/)
  })

  test.each(['1.1.0; rm -rf ~', '../../x', '--pre', '1'.repeat(10_000), '1.1.0\u200b', 'latest'])(
    'the version %j is a clear error',
    async (version) => {
      const server = await project.serve()
      expect(await server.call('assess_rollback', { version })).toMatchObject({
        isError: true,
        error: { code: 'bad_version' }
      })
    }
  )

  test.each(['finish', 'undo'] as const)(
    'killed while it looks for the yank, it is found and can be taken up: %s',
    async (direction) => {
      const first = await project.serve()
      const assessment = await first.call('assess_rollback')
      it.pypi.fault(({ path }) => {
        if (path === '/pypi/demo-project/1.2.0/json') first.kill()
        return undefined
      })
      await expect(project.execute(first, assessment)).rejects.toThrow()
      it.pypi.fault(undefined)
      const server = await project.serve()
      const { interrupted } = await server.call('assess_rollback')
      expect(interrupted).toMatchObject({ from: '1.2.0', to: '1.1.0' })
      const result = await project.resume(server, interrupted[direction])
      expect(result.outcome).toBe(direction === 'finish' ? 'manual' : 'undone')
    }
  )

  test.each(['finish', 'undo'] as const)('killed, then yanked by a person: %s', async (direction) => {
    const first = await project.serve()
    const assessment = await first.call('assess_rollback')
    it.pypi.fault(({ path }) => {
      if (path === '/pypi/demo-project/1.2.0/json') first.kill()
      return undefined
    })
    await expect(project.execute(first, assessment)).rejects.toThrow()
    it.pypi.fault(undefined)
    yank(it.pypi.state, '1.2.0')
    const server = await project.serve()
    const { interrupted } = await server.call('assess_rollback')
    const result = await project.resume(server, interrupted[direction])
    if (direction === 'finish') expect(result.outcome).toBe('succeeded')
    else expect(result).toMatchObject({ outcome: 'stuck', summary: expect.stringMatching(/Un-yank/) })
  })
})
