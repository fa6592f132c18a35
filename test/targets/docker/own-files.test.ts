import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { composeProject } from '../../../testkit/docker/compose-project.ts'
import { docker, makeImage } from '../../../testkit/docker/images.ts'
import { createWorld, inspect, isUnhealthy, type World } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { createScene, execute, type Scene } from './scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'what a container has outside its volumes', ({ compose: program = '' }) => {
  let world: World
  let good: string
  let folder: string
  const scenes: Scene[] = []

  beforeAll(async () => {
    world = createWorld()
    good = await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
  })
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close()
    await world.clear()
    await rm(folder, { recursive: true, force: true })
  })
  afterAll(() => world.remove())

  const serve = async () => {
    folder = await mkdtemp(join(tmpdir(), `${world.prefix}-`))
    await writeFile(join(folder, 'app.conf'), 'upstream=real\n')
    const scene = await createScene(world)
    scenes.push(scene)
    return scene.serve()
  }
  const said = (container: string, path: string) => docker('exec', container, 'cat', path)
  /** Of a container that does not run. */
  const heldIn = async (container: string, path: string) => docker('cp', `${container}:${path}`, join(folder, 'held'))

  it('comes along where it was copied in; data keeps the old container, whose removal the result names', async () => {
    const server = await serve()
    const web = `${world.prefix}-web`
    await world.start('web', '1.2.0', '-p', '127.0.0.1::8080')
    await docker('cp', join(folder, 'app.conf'), `${web}:/app.conf`)
    await docker('exec', web, 'sh', '-c', 'echo orders-of-today >/orders.sqlite')
    await isUnhealthy(web)
    const old = (await inspect(web)).Id.slice(0, 12)
    const assessment = await server.call('assess_rollback')
    expect(assessment.summary).toContain(`Keeping the old ${web}, stopped, for files that are in no volume`)
    expect(assessment.summary).not.toContain('Removing the old')
    expect(assessment.summary).toContain(`${web} has files that are in no volume: "/orders.sqlite" (16 B)`)
    expect(assessment.summary).toContain(`Files copied into ${web} come along: "/app.conf" (14 B).`)
    expect(await execute(server, assessment)).toMatchObject({ error: { code: 'risks_not_accepted' } })
    const result = await execute(server, assessment, { accept: [`own_layer:${web}`] })
    expect(result, String(result.summary)).toMatchObject({ outcome: 'succeeded' })
    expect(await inspect(web)).toMatchObject({ Image: good })
    expect(await said(web, '/app.conf')).toBe('upstream=real')
    expect(await world.names()).toEqual([web, `${web}-popkit-old-${old}`])
    expect(result.remains.join()).toContain(`docker rm ${web}-popkit-old-${old}`)
    await heldIn(`${web}-popkit-old-${old}`, '/orders.sqlite')
  })

  it.skipIf(!program)('of a Compose service comes along from its configs; data is kept as an image', async () => {
    const server = await serve()
    const file = `
services:
  web:
    image: ${world.repository}:1.2.0
    ports: ["127.0.0.1::8080"]
    configs: [{source: app, target: /etc/app.conf}]
configs: {app: {content: upstream=real}}
`
    const project = await composeProject(world, program, file)
    const web = `${world.prefix}-web-1`
    try {
      await project.compose('up', '-d')
      await docker('exec', web, 'sh', '-c', 'echo orders-of-today >/orders.sqlite')
      await isUnhealthy(web)
      const image = `popkit-kept/${web}-${(await inspect(web)).Id.slice(0, 12)}`
      const assessment = await server.call('assess_rollback')
      expect(assessment.summary).toContain(`Removing the old ${web}, keeping files that are in no volume as an image`)
      const result = await execute(server, assessment, { accept: [`own_layer:${web}`] })
      expect(result.remains.join(), String(result.summary)).toContain(`docker rmi ${image}`)
      expect(await said(web, '/etc/app.conf')).toBe('upstream=real')
      expect(await world.names()).toEqual([web])
      expect(await docker('run', '--rm', '--entrypoint', 'cat', image, '/orders.sqlite')).toBe('orders-of-today')
      await docker('rmi', image)
    } finally {
      await project.remove()
    }
  })

  it('blocks the plan where it is a bind whose source is gone, and nothing is touched', async () => {
    const server = await serve()
    const web = `${world.prefix}-web`
    const id = await world.start('web', '1.2.0', '-p', '127.0.0.1::8080', '-v', `${folder}/app.conf:/etc/app.conf:ro`)
    await isUnhealthy(web)
    await rm(folder, { recursive: true })
    const assessment = await server.call('assess_rollback')
    expect(assessment.blockers).toEqual([expect.objectContaining({ what: expect.stringContaining(folder) })])
    const plan = { version: '1.1.0', id: assessment.plan?.id ?? 'plan-00000000-00000000-00000000-00000000' }
    expect(await execute(server, { ...assessment, plan })).toMatchObject({ ok: false })
    expect(await inspect(web)).toMatchObject({ Id: id, State: { Running: true } })
    expect(await world.names()).toEqual([web])
    expect(await said(web, '/etc/app.conf')).toBe('upstream=real')
  })
})
