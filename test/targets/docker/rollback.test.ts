import { beforeAll, expect, it, vi } from 'vitest'
import { docker, makeImage } from '../../../testkit/docker/images.ts'
import {
  carryOut,
  inspect,
  isHealthy,
  isUnhealthy,
  planTo,
  record,
  signal,
  takeBack,
  until
} from '../../../testkit/docker/world.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useWorld } from '../../harness/use-world.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'a single container', () => {
  const world = useWorld()
  let good: string

  beforeAll(async () => {
    good = await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
    await makeImage(world.repository, '1.3.0', { mode: 'crash' })
    await makeImage(world.repository, '1.0.0', { mode: 'slow' })
  })

  it('is found unhealthy, with its version, and with the earlier image as candidate', async () => {
    await world.start('web', '1.2.0', '-p', '127.0.0.1:0:8080')
    await isUnhealthy(`${world.prefix}-web`)
    const target = await world.open()
    const observation = (await target.observe(signal())).observation
    expect(observation.current).toMatchObject({ version: '1.2.0' })
    expect(observation.health).toMatchObject({
      state: 'degraded',
      message: `${world.prefix}-web runs and fails its health check`
    })
    expect(observation.releases.map(({ version }) => version).sort()).toEqual(['1.0.0', '1.1.0', '1.3.0'])
    expect(observation.releases.find(({ version }) => version === '1.1.0')).toMatchObject({
      id: good,
      available: { state: 'yes' }
    })
    expect(observation.blockers).toEqual([])
  })

  it('goes back to the earlier image, keeps its name, and leaves nothing behind', async () => {
    await world.start('web', '1.2.0', '-p', '127.0.0.1::8080', '--restart', 'unless-stopped', '-e', 'COLOUR=blue')
    await isUnhealthy(`${world.prefix}-web`)
    const target = await world.open()
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.blockers).toEqual([])
    expect(planned.draft.steps.map(({ kind }) => kind)).toEqual([
      'create_container',
      'swap_container',
      'await_healthy',
      'remove_container'
    ])
    await carryOut(target, planned)
    const web = await inspect(`${world.prefix}-web`)
    expect(web).toMatchObject({
      Image: good,
      State: { Running: true },
      HostConfig: { RestartPolicy: { Name: 'unless-stopped' } }
    })
    expect(web.Config.Image).toBe(`${world.repository}:1.1.0`)
    expect(web.Config.Env).toEqual(expect.arrayContaining(['COLOUR=blue', 'VERSION=1.1.0', 'MODE=good']))
    expect(await world.names()).toEqual([`${world.prefix}-web`])
    const report = await target.check(planned.release, { signal: signal() })
    expect(report.checks.map(({ id, status }) => [id.split(':')[0], status])).toEqual([
      ['identity', 'pass'],
      ['health', 'pass'],
      ['restarts', 'pass'],
      ['port', 'pass']
    ])
  })

  it('is brought back exactly as it was when the earlier image does not become healthy', async () => {
    await world.start('web', '1.1.0', '--restart', 'always')
    await isHealthy(`${world.prefix}-web`)
    const before = await inspect(`${world.prefix}-web`)
    const target = await world.open({ config: { health_timeout_seconds: 2 } })
    const planned = await planTo(target, '1.2.0')
    const evidence: string[] = []
    const run = testRun({ evidence: ({ title }) => void evidence.push(title) })
    await expect(carryOut(target, planned, { run })).rejects.toMatchObject({ code: 'not_healthy' })
    await takeBack(target, planned, run)
    const after = await inspect(`${world.prefix}-web`)
    expect(after.Id).toBe(before.Id)
    expect(after).toMatchObject({ Name: before.Name, State: { Running: true }, HostConfig: before.HostConfig })
    expect(Object.keys(after.NetworkSettings.Networks)).toEqual(Object.keys(before.NetworkSettings.Networks))
    expect(await world.names()).toEqual([`${world.prefix}-web`])
    expect(evidence.length).toBe(1)
  })

  it('keeps its replacement when the old one was pruned meanwhile and it is to be brought back', async () => {
    await world.start('web', '1.2.0', '-p', '127.0.0.1::8080', '--restart', 'always')
    const target = await world.open()
    const planned = await planTo(target, '1.1.0')
    await carryOut(target, planned, { cleanup: false })
    await docker('rm', ...(await world.names()).filter((name) => name.includes('-popkit-old-')))
    await expect(takeBack(target, planned)).rejects.toMatchObject({
      code: 'changed_meanwhile',
      state: expect.stringContaining('was not changed')
    })
    const web = await inspect(`${world.prefix}-web`)
    expect(web).toMatchObject({
      Image: good,
      State: { Running: true },
      HostConfig: { RestartPolicy: { Name: 'always' } }
    })
  })

  it('in a crash loop goes back, and says why it failed', async () => {
    await world.start('web', '1.3.0', '--restart', 'always')
    const target = await world.open()
    await until('a crash loop', async () => (await inspect(`${world.prefix}-web`)).RestartCount > 1)
    const observation = (await target.observe(signal())).observation
    expect(['down', 'degraded']).toContain(observation.health.state)
    const diagnosis = await target.diagnose(signal())
    expect(diagnosis.findings.join('\n')).toContain('exit code 3')
    expect(diagnosis.evidence.map(({ text }) => text).join('\n')).toContain('relation "orders" does not exist')
    await carryOut(target, await planTo(target, '1.1.0'))
    expect(await inspect(`${world.prefix}-web`)).toMatchObject({ Image: good, State: { Running: true } })
  })

  it('that has ended goes back', async () => {
    await world.start('web', '1.3.0')
    await until('the end', async () => (await inspect(`${world.prefix}-web`)).State.Status === 'exited')
    const target = await world.open()
    expect((await target.observe(signal())).observation.health).toMatchObject({ state: 'down' })
    await carryOut(target, await planTo(target, '1.1.0'))
    expect(await inspect(`${world.prefix}-web`)).toMatchObject({ Image: good, State: { Running: true } })
    expect(await world.names()).toEqual([`${world.prefix}-web`])
  })

  it('waits for a version that starts slowly', async () => {
    await world.start('web', '1.2.0')
    const target = await world.open({ config: { health_timeout_seconds: 30 } })
    await carryOut(target, await planTo(target, '1.0.0'))
    expect(await inspect(`${world.prefix}-web`)).toMatchObject({ State: { Health: { Status: 'healthy' } } })
  })

  it('is still found when its tag was moved to another image', async () => {
    await world.start('web', '1.2.0')
    await docker('tag', `${world.repository}:1.1.0`, `${world.repository}:1.2.0`)
    try {
      const target = await world.open()
      expect((await target.observe(signal())).observation.current).toMatchObject({ version: '1.2.0' })
    } finally {
      await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
    }
  })

  it('keeps the evidence of the failed container before it removes it, and secrets out of all answers', async () => {
    await world.start('web', '1.2.0', '-e', 'DB_PASSWORD=hunter2-is-a-secret', '-e', 'API_TOKEN=abcdef0123456789')
    const target = await world.open({ history: [record({ version: '1.1.0', digest: good })] })
    const planned = await planTo(target, '1.1.0')
    const evidence: string[] = []
    const run = testRun({ evidence: (item) => void evidence.push(JSON.stringify(item)) })
    await carryOut(target, planned, { run })
    expect(evidence.length).toBe(1)
    const everything = JSON.stringify([
      planned,
      evidence,
      await target.check(planned.release, { signal: signal() }),
      run.said
    ])
    expect(everything).not.toContain('hunter2-is-a-secret')
    expect(everything).not.toContain('abcdef0123456789')
  })
})
