import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { Answer } from '../../../testkit/built-server.ts'
import { docker, makeImage } from '../../../testkit/docker/images.ts'
import { inspect, isUnhealthy, until, type World } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useWorld } from '../../harness/use-world.ts'
import { createScene, execute, historyRecord, type Scene } from './scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'docker through the built server', () => {
  const world = useWorld()
  let good: string
  const scenes: Scene[] = []

  beforeAll(async () => {
    good = await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
    await makeImage(world.repository, '1.0.0', { mode: 'fading' })
    await makeImage(world.repository, '1.3.0')
  })
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close()
  })

  const scene = async (...args: Parameters<typeof createScene> extends [World, ...infer Rest] ? Rest : never) => {
    const created = await createScene(world, ...args)
    scenes.push(created)
    return created
  }
  const broken = async (...options: string[]): Promise<string> => {
    const id = await world.start('web', '1.2.0', '-p', '127.0.0.1::8080', '--restart', 'always', ...options)
    await isUnhealthy(`${world.prefix}-web`)
    return id
  }
  const web = () => inspect(`${world.prefix}-web`)

  it('assess, dry run, execute, verify, report: the good version serves again, and no secret leaves', async () => {
    const secrets = ['correct-horse-battery-staple', 'postgres-pa55word', 'sk-0123456789abcdef0123']
    await broken(
      '-e',
      `SESSION_SECRET=${secrets[0]}`,
      '-e',
      `DATABASE_URL=postgres://app:${secrets[1]}@db/shop`,
      '-e',
      `OPENAI=${secrets[2]}`
    )
    const { serve, files } = await scene({}, [
      historyRecord('1.2.0', 'failed', '2026-03-18T14:30:00Z'),
      historyRecord('1.1.0', 'success', '2026-03-10T09:00:00Z', good)
    ])
    const server = await serve()
    const answers: Answer[] = []
    const keep = async (answer: Promise<Answer>): Promise<Answer> => {
      answers.push(await answer)
      return answer
    }
    const assessment = await keep(server.call('assess_rollback', { investigate: true }))
    expect(assessment).toMatchObject({
      target: 'docker',
      current: { version: '1.2.0' },
      recommended: { version: '1.1.0' },
      blockers: []
    })
    expect(await keep(execute(server, assessment, { dry_run: true }))).toMatchObject({ outcome: 'checked' })
    expect((await web()).Config.Image).toBe(`${world.repository}:1.2.0`)

    const done = await keep(execute(server, assessment))
    expect(done).toMatchObject({ outcome: 'succeeded', from: { version: '1.2.0' }, to: { version: '1.1.0' } })
    expect(await web()).toMatchObject({ Image: good, State: { Health: { Status: 'healthy' } } })
    expect(await world.names()).toEqual([`${world.prefix}-web`])
    const port = (await web()).NetworkSettings.Ports['8080/tcp'][0].HostPort
    expect((await (await fetch(`http://127.0.0.1:${port}/`)).text()).trim()).toBe('1.1.0')

    expect(
      await keep(server.call('verify_rollback', { rollback_id: done.rollback_id, soak_seconds: 1 }))
    ).toMatchObject({ verdict: 'healthy' })
    const report = await keep(server.call('write_incident', { rollback_id: done.rollback_id }))
    const written = await files()
    expect(written[report.path] ?? JSON.stringify(written)).toContain('health check')
    const [, incident = ''] = Object.entries(written).find(([path]) => path.includes('incident-')) ?? []
    expect(incident.match(/Last lines of /g)).toHaveLength(1)
    const again = await keep(server.call('assess_rollback'))
    expect(again.recommended?.version).not.toBe('1.2.0')
    for (const [path, text] of Object.entries({
      ...written,
      answers: JSON.stringify(answers),
      stderr: server.stderr()
    }))
      for (const secret of secrets) expect(text.includes(secret), `${path} holds a secret`).toBe(false)
  })

  it('a version whose health check passes and then fails within the soak is taken back', async () => {
    const id = await world.start('web', '1.3.0', '-p', '127.0.0.1::8080')
    const { serve } = await scene({ rollback: { soak_seconds: 8 } }, [
      historyRecord('1.0.0', 'success', '2026-03-10T09:00:00Z')
    ])
    const server = await serve()
    const result = await execute(server, await server.call('assess_rollback', { version: '1.0.0' }))
    expect(result).toMatchObject({ outcome: 'undone' })
    expect(await web()).toMatchObject({ Id: id, State: { Running: true } })
    expect(await world.names()).toEqual([`${world.prefix}-web`])
  })

  it('a plan made stale by a deployment in between is refused', async () => {
    await broken()
    const { serve } = await scene()
    const server = await serve()
    const assessment = await server.call('assess_rollback')
    await docker('rm', '-f', `${world.prefix}-web`)
    const id = await world.start('web', '1.3.0')
    expect(await execute(server, assessment)).toMatchObject({ isError: true, error: { code: 'stale_plan' } })
    expect(await web()).toMatchObject({ Id: id, State: { Running: true } })
  })

  it('two rollbacks started at once from different folders: one runs', async () => {
    await broken()
    const [one, two] = [await (await scene()).serve(), await (await scene()).serve()]
    const plans = await Promise.all([one.call('assess_rollback'), two.call('assess_rollback')])
    const results = await Promise.all([execute(one, plans[0]), execute(two, plans[1])])
    expect(results.map(({ outcome, error }) => outcome ?? error.code).sort()).toEqual([
      expect.stringMatching(/locked|stale_plan|running/),
      'succeeded'
    ])
    expect(await web()).toMatchObject({ Image: good })
    expect(await world.names()).toEqual([`${world.prefix}-web`])
  })

  it('an image deleted everywhere is refused, and nothing is stopped', async () => {
    const id = await broken()
    const { serve } = await scene({}, [
      historyRecord('0.9.0', 'success', '2026-03-10T09:00:00Z', `sha256:${'a'.repeat(64)}`)
    ])
    const server = await serve()
    const assessment = await server.call('assess_rollback', { version: '0.9.0' })
    expect(assessment.blockers).toMatchObject([{ id: 'image_gone:0.9.0' }])
    const startedAt = (await web()).State.StartedAt
    if (assessment.plan) expect(await execute(server, assessment)).toMatchObject({ isError: true })
    expect(await web()).toMatchObject({ Id: id, State: { StartedAt: startedAt } })
  })

  it.each([
    ['a command', '1.1.0; rm -rf ~'],
    ['a path', '../../x'],
    ['an option', '--privileged'],
    ['10,000 characters', 'x'.repeat(10_000)],
    ['invisible characters', '1.1.0\u200b'],
    ['another repository', 'evil.example.org/web:1.1.0']
  ])('a version that is %s is refused with a clear error', async (_, version) => {
    const { serve } = await scene()
    const server = await serve()
    const answer = await server.call('assess_rollback', { version })
    expect(answer).toMatchObject({ isError: true })
    expect(answer.summary.length).toBeLessThan(2000)
  })

  it('containers without deploy.json are found by the compose file of the project', async () => {
    await broken()
    const { project, serve } = await scene()
    await project.remove()
    const { mkdir, writeFile } = await import('node:fs/promises')
    await mkdir(project.dir)
    const tag = '$'.concat('{TAG:-1.2.0}')
    await writeFile(`${project.dir}/compose.yaml`, `services:\n  web:\n    image: ${world.repository}:${tag}\n`)
    const server = await serve()
    const assessment = await server.call('assess_rollback', { target: 'docker', version: '1.1.0' })
    expect(assessment).toMatchObject({ current: { version: '1.2.0' }, blockers: [] })
    expect(assessment.summary).toContain('compose.yaml')
  })

  it('an engine that is not there is a clear error', async () => {
    const { serve } = await scene({ host: 'unix:///nonexistent/docker.sock' })
    const answer = await (await serve()).call('assess_rollback')
    expect(answer).toMatchObject({ isError: true, error: { code: 'engine_unreachable' } })
  })

  it('a container in a crash loop with a policy that gives up is taken back', async () => {
    await makeImage(world.repository, '1.4.0', { mode: 'crash' })
    await world.start('web', '1.4.0', '--restart', 'on-failure:2')
    await until('the end', async () => (await web()).State.Status === 'exited')
    const server = await (await scene()).serve()
    expect(await execute(server, await server.call('assess_rollback'))).toMatchObject({ outcome: 'succeeded' })
    expect(await web()).toMatchObject({
      Image: good,
      HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } }
    })
  })
})
