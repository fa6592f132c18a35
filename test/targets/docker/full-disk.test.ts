import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { canStartEngine } from '../../../testkit/backends/docker.ts'
import { docker, makeImage } from '../../../testkit/docker/images.ts'
import { createOwnEngine, type OwnEngine } from '../../../testkit/docker/own-engine.ts'
import { carryOut, createWorld, inspect, planTo, record, type World } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const megabyte = 1024 * 1024
const diskMb = 110
/** Fits once, and not a second time: the engine unpacks what it has loaded. */
const heavyMb = 60

describeOn('docker', 'an engine with a small disk', ({ registry = '127.0.0.1:5000' }) => {
  let engine: OwnEngine
  let world: World
  let folder: string
  const usual = process.env.DOCKER_HOST

  beforeAll(async () => {
    if (!canStartEngine()) return
    folder = await mkdtemp(join(tmpdir(), 'pop-disk-'))
    world = createWorld(registry)
    for (const [version, size] of [
      ['1.0.0', 1],
      ['1.1.0', heavyMb]
    ] as const) {
      await makeImage(world.repository, version)
      await addBallast(`${world.repository}:${version}`, size)
      await docker('push', '-q', `${world.repository}:${version}`)
      await docker('rmi', '-f', `${world.repository}:${version}`)
    }
    engine = await createOwnEngine({ diskMb })
    await makeImage(world.repository, '1.2.0')
  })
  afterAll(async () => {
    await world?.clear()
    await engine?.remove()
    if (usual === undefined) delete process.env.DOCKER_HOST
    else process.env.DOCKER_HOST = usual
    await world?.remove()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  /** A layer that no compression makes smaller. */
  const addBallast = async (reference: string, mb: number): Promise<void> => {
    const file = join(folder, 'ballast')
    await writeFile(file, randomBytes(mb * megabyte))
    const name = `${world.prefix}-ballast`
    await docker('create', '--name', name, reference)
    await docker('cp', file, `${name}:/ballast`)
    await docker('commit', name, reference)
    await docker('rm', name)
    await rm(file)
  }
  const dataFolder = () => docker('info', '--format', '{{.DockerRootDir}}')
  const freeMb = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(await dataFolder())
    return (bavail * bsize) / megabyte
  }
  const fill = async (leaveMb: number): Promise<void> => {
    const mb = Math.floor((await freeMb()) - leaveMb)
    await promisify(execFile)('fallocate', ['-l', `${mb}M`, join(await dataFolder(), 'filler')])
  }
  const history = [record({ version: '1.1.0' }), record({ version: '1.0.0' })]

  it.skipIf(!canStartEngine())(
    'that fills up in a pull: said as that, what was pulled is gone, nothing stopped',
    async () => {
      const id = await world.start('web', '1.2.0')
      const target = await world.open({ history, env: { DOCKER_HOST: engine.host } })
      const planned = await planTo(target, '1.1.0')
      expect(planned.draft.blockers).toEqual([])
      const before = await freeMb()
      const fault = await carryOut(target, planned).catch((error: unknown) => error)
      expect(fault).toMatchObject({
        code: 'disk_full',
        why: expect.stringContaining('no space left'),
        state: expect.stringContaining('discarded the layers'),
        next: expect.stringContaining('docker system df')
      })
      expect(await inspect(`${world.prefix}-web`)).toMatchObject({ Id: id, State: { Running: true } })
      expect(await freeMb()).toBeGreaterThan(before - 2)
    }
  )

  it.skipIf(!canStartEngine())('that is too full for any pull: refused before anything is begun', async () => {
    await fill(20)
    const target = await world.open({ history, env: { DOCKER_HOST: engine.host } })
    const { draft } = await planTo(target, '1.0.0')
    expect(draft.blockers).toMatchObject([{ id: 'disk_full', why: expect.stringContaining(await dataFolder()) }])
    await docker('pull', '-q', `${world.repository}:1.0.0`)
    expect((await planTo(target, '1.0.0')).draft.blockers).toEqual([])
  })
})
