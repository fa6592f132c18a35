import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { makeImage } from '../../../testkit/docker/images.ts'
import { isUnhealthy } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { useWorld } from '../../harness/use-world.ts'
import { webhookSink } from '../../harness/webhook-sink.ts'
import { createScene, execute, type Scene } from './scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'a webhook', () => {
  const world = useWorld()
  const scenes: Scene[] = []

  beforeAll(async () => {
    await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
  })
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close()
  })

  const secret = 'zebra-orange-battery-77'
  const told = async (url: string) => {
    await world.start('web', '1.2.0', '-e', `API_TOKEN=${secret}`)
    await isUnhealthy(`${world.prefix}-web`)
    const scene = await createScene(world)
    scenes.push(scene)
    await scene.project.deploy({
      ...(await scene.project.deployed()),
      notify: [{ webhook: { url_env: 'TEST_WEBHOOK_URL', format: 'slack' } }]
    })
    const server = await scene.serve({ TEST_WEBHOOK_URL: url })
    const assessment = await server.call('assess_rollback', {})
    expect(await execute(server, assessment, { dry_run: true })).toMatchObject({ outcome: 'checked' })
    const accept = assessment.risks
      .filter((risk: { serious: boolean }) => risk.serious)
      .map(({ id }: { id: string }) => id)
    return { scene, result: await execute(server, assessment, { accept }) }
  }

  it('is told when a rollback begins and how it ends, and of no dry run', async () => {
    const { url, bodies } = await webhookSink()
    const { scene, result } = await told(url)
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(bodies.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^Rollback of docker from 1\.2\.0 to 1\.1\.0 began at/),
      expect.stringMatching(/^Rollback of docker from 1\.2\.0 to 1\.1\.0 succeeded after/)
    ])
    for (const { text } of bodies) expect(text).toContain(result.rollback_id)
    expect(JSON.stringify(bodies)).not.toContain(secret)
    const written = JSON.stringify([await scene.files(), result])
    expect(written).not.toContain('zebra-orange-42')
  })

  it('that refuses does not fail the rollback, and the result says so', async () => {
    const { url, requests } = await webhookSink(() => 404)
    const { result } = await told(url)
    expect(result).toMatchObject({
      outcome: 'succeeded',
      remains: ['TEST_WEBHOOK_URL was not told of the rollback: it answered 404.']
    })
    expect(requests).toHaveLength(2)
  })
})
