import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import { type Answer, type BuiltServer, startServer } from '../../../testkit/built-server.ts'
import { docker, makeImage } from '../../../testkit/docker/images.ts'
import { engineOfTests } from '../../../testkit/docker/world.ts'
import { historyRecord } from '../../../testkit/history-record.ts'
import { publish as publishPackage } from '../../../testkit/npm/publish.ts'
import { npmrc, packumentOf } from '../../../testkit/npm/registry.ts'
import { startVerdaccio, type Verdaccio } from '../../../testkit/npm/verdaccio.ts'
import { type TestProject, testProject } from '../../../testkit/project.ts'
import { type FakeGitHub, fakeGitHub } from '../../fakes/github/server.ts'
import { newToken, publish as publishRelease } from '../../fakes/github/state.ts'
import { type FakePypi, fakePypi } from '../../fakes/pypi/server.ts'
import { upload } from '../../fakes/pypi/state.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useWorld } from '../../harness/use-world.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

describeOn('docker', 'a release of an image, a package, a GitHub release and a PyPI project', () => {
  const world = useWorld()
  let registry: Verdaccio
  let github: FakeGitHub
  let pypi: FakePypi
  let project: TestProject
  let name: string
  let token: string
  const servers: BuiltServer[] = []
  const container = () => `${world.prefix}-web`
  const image = async () => (await docker('inspect', '--format', '{{.Config.Image}}', container())).split(':').at(-1)
  const tag = async () => (await packumentOf(registry.url, name)).tags.latest
  const latest = async () =>
    (await fetch(`${github.url}/acme/app/releases/latest`, { redirect: 'manual' })).headers
      .get('location')
      ?.split('/')
      .at(-1)

  beforeAll(async () => {
    registry = await startVerdaccio()
    await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0', { mode: 'crash' })
  })
  afterAll(async () => registry.stop())
  beforeEach(async () => {
    name = `pop-mixed-${Date.now().toString(36)}`
    for (const version of ['1.1.0', '1.2.0']) await publishPackage(registry.url, registry.writer, { name, version })
    github = await fakeGitHub()
    for (const version of ['v1.1.0', 'v1.2.0']) publishRelease(github.state, version)
    token = newToken(github.state)
    pypi = await fakePypi()
    for (const version of ['1.1.0', '1.2.0']) upload(pypi.state, version)
    await world.start('web', '1.2.0', '--restart', 'always')
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close().catch(() => undefined)
    await project.remove()
    await github.stop()
    await pypi.stop()
    expect(github.wrong).toEqual([])
    expect(pypi.asked.filter(({ method }) => method !== 'GET')).toEqual([])
  })

  /** A project that deployed 1.1.0 and then 1.2.0 to all of them, each in one run. */
  async function released(more: JsonObject = {}, withPypi = false): Promise<BuiltServer> {
    const [host = '', ...path] = world.repository.split('/')
    const soak = { rollback: { soak_seconds: 1 } }
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()
    const names = ['docker', 'npm', ...(withPypi ? ['pypi'] : []), 'github_releases']
    const versionOf = (target: string, version: string) => (target === 'github_releases' ? `v${version}` : version)
    const run = (version: string, minutes: number, status: 'success' | 'failed') =>
      names.map((target, index) =>
        historyRecord(
          target,
          versionOf(target, version),
          target === 'docker' ? status : 'success',
          ago(minutes - index),
          { commit_sha: version === '1.1.0' ? 'a'.repeat(40) : 'b'.repeat(40) }
        )
      )
    project = await testProject({
      version: '1.0',
      project_name: name,
      targets: {
        docker: { enabled: true, primary: true, config: { image_name: path.join('/'), registry: host, ...soak } },
        npm: { enabled: true, config: { package: name, ...soak } },
        github_releases: { enabled: true, config: { repository: 'acme/app', ...soak } },
        ...(withPypi && {
          pypi: { enabled: true, config: { registry: pypi.registry, package: 'Demo-Project', ...soak } }
        })
      },
      history: [...run('1.2.0', 10, 'failed'), ...run('1.1.0', 24 * 60, 'success')],
      ...more
    })
    await writeFile(join(project.dir, 'package.json'), JSON.stringify({ name, version: '1.2.0' }))
    await writeFile(join(project.dir, 'user-npmrc'), npmrc(registry.url, registry.writer))
    return serve()
  }

  async function serve(): Promise<BuiltServer> {
    const server = await startServer({
      projectDir: project.dir,
      env: {
        ...engineOfTests(),
        HOME: project.dir,
        npm_config_userconfig: join(project.dir, 'user-npmrc'),
        npm_config_globalconfig: join(project.dir, 'none'),
        GITHUB_API_URL: github.api,
        GITHUB_TOKEN: token,
        GH_TOKEN: '',
        GH_HOST: '',
        GH_REPO: '',
        POP_ROLLBACK_GITHUB_TOKEN: '',
        PIP_INDEX_URL: '',
        UV_INDEX_URL: ''
      }
    })
    servers.push(server)
    return server
  }

  const execute = (server: BuiltServer, { next, risks }: Answer, more: Record<string, unknown> = {}) =>
    server.call('execute_rollback', {
      ...next.find(({ tool }: Answer) => tool === 'execute_rollback').arguments,
      accept: risks.filter(({ serious }: Answer) => serious).map(({ id }: Answer) => id),
      ...more
    })
  const now = async () => ({ docker: await image(), npm: await tag(), github: await latest() })
  const outcomes = ({ targets }: Answer) => targets.map(({ target, outcome }: Answer) => `${target} ${outcome}`)

  test('goes back in the order that keeps users whole, with one report', async () => {
    const server = await released()
    const assessment = await server.call('assess_rollback', { target: 'all' })
    expect(assessment, assessment.summary).toMatchObject({
      blockers: [],
      plan: { order: ['docker', 'npm', 'github_releases'], version: 'docker=1.1.0,npm=1.1.0,github_releases=v1.1.0' }
    })
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await now()).toEqual({ docker: '1.1.0', npm: '1.1.0', github: 'v1.1.0' })
    const { path, outage_ms } = await server.call('write_incident', { rollback_id: done.rollback_id })
    expect(outage_ms).toBeGreaterThan(0)
    const report = await readFile(join(project.dir, path), 'utf8')
    expect(report).toMatch(/\*\*Target:\*\* docker, npm, github/)
    expect(report).toMatch(/docker: Deployment of 1\.2\.0 failed/)
    expect(report).toMatch(/npm: 1\.1\.0 was first seen healthy/)
  })

  test('the second fails: the first stays, the third is not begun, and the rest can be finished', async () => {
    const server = await released()
    const assessment = await server.call('assess_rollback', { target: 'all' })
    // From now on the login may only read.
    await writeFile(join(project.dir, 'user-npmrc'), npmrc(registry.url, registry.reader))
    const reader = await serve()
    const again = await reader.call('assess_rollback', { target: 'all', version: assessment.plan.version })
    const failed = await execute(reader, again)
    expect(outcomes(failed)).toEqual(['docker succeeded', 'npm undone', 'github_releases cancelled'])
    expect(failed).toMatchObject({ ok: false, outcome: 'undone' })
    expect(failed.summary).toContain('Result: PARTIAL: docker went back, npm did not go back')
    expect(failed.summary).toMatch(/Now: docker 1\.1\.0, npm 1\.2\.0, github_releases v1\.2\.0\. These versions/)
    expect(await now()).toEqual({ docker: '1.1.0', npm: '1.2.0', github: 'v1.2.0' })
    const [finish, undo] = failed.next
    expect(undo).toMatchObject({ when: 'to undo what went back', arguments: { target: 'docker', version: '1.2.0' } })

    await writeFile(join(project.dir, 'user-npmrc'), npmrc(registry.url, registry.writer))
    const writer = await serve()
    const rest = await writer.call('assess_rollback', finish.arguments)
    expect(rest.plan.order).toEqual(['npm', 'github_releases'])
    expect(await execute(writer, rest)).toMatchObject({ outcome: 'succeeded' })
    expect(await now()).toEqual({ docker: '1.1.0', npm: '1.1.0', github: 'v1.1.0' })
  })

  test('with on_failure undo the image is put back when the package fails', async () => {
    await released({ release_group: { on_failure: 'undo' } })
    await writeFile(join(project.dir, 'user-npmrc'), npmrc(registry.url, registry.reader))
    const server = await serve()
    const failed = await execute(server, await server.call('assess_rollback', { target: 'all' }))
    expect(outcomes(failed)).toEqual(['docker undone', 'npm undone', 'github_releases cancelled'])
    expect(await now()).toEqual({ docker: '1.2.0', npm: '1.2.0', github: 'v1.2.0' })
  })

  test('what only a person can do is said beforehand, does not keep the others, and the whole ends manual', async () => {
    const server = await released({}, true)
    const assessment = await server.call('assess_rollback', { target: 'all' })
    expect(assessment.plan.order.at(-1)).toBe('github_releases')
    expect(assessment.targets.filter(({ manual }: Answer) => manual).map(({ target }: Answer) => target)).toEqual([
      'pypi'
    ])
    expect(assessment.summary).toContain('MANUAL, a person must do it: Yanking 1.2.0')
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ ok: false, outcome: 'manual' })
    expect(outcomes(done).sort()).toEqual([
      'docker succeeded',
      'github_releases succeeded',
      'npm succeeded',
      'pypi manual'
    ])
    expect(done.summary).toMatch(/^ {2}do {7}pypi: /m)
    expect(await now()).toEqual({ docker: '1.1.0', npm: '1.1.0', github: 'v1.1.0' })
  })
})
