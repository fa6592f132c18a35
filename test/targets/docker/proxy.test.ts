import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type ComposeProject, composeProject, tagVariable } from '../../../testkit/docker/compose-project.ts'
import { makeImage } from '../../../testkit/docker/images.ts'
import { makeProxyImage } from '../../../testkit/docker/proxy-image.ts'
import { carryOut, createWorld, inspect, planTo, until, type World } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'four replicas behind a reverse proxy', ({ compose = '', nginx = '' }) => {
  let world: World
  let project: ComposeProject
  let good: string

  beforeAll(async () => {
    if (!compose || !nginx) return
    world = createWorld()
    good = await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0')
    await makeProxyImage(nginx, `${world.repository}-proxy:1`, 'web:8080')
  })
  afterEach(() => project?.remove())
  afterAll(() => world?.remove())

  const deployed = async (more: string) => {
    project = await composeProject(
      world,
      compose,
      `
services:
  web:
    image: ${world.repository}:${tagVariable}
    deploy: {replicas: 4}
    ${more}
  proxy:
    image: ${world.repository}-proxy:1
    ports: ["127.0.0.1::8080"]
volumes: {shared: {}}
`
    )
    await project.compose('up', '-d', '--wait')
    const proxy = await inspect(`${world.prefix}-proxy-1`)
    return Number(proxy.NetworkSettings.Ports['8080/tcp'][0].HostPort)
  }

  it.skipIf(!compose || !nginx).each([
    ['one after another, for they share a volume', 'volumes: [shared:/shared]', 'swap_container'],
    ['side by side, for they share nothing', 'init: true', 'start_beside']
  ])('go back %s, and a client under load sees no failed request', async (_, more, kind) => {
    const load = ask(await deployed(more))
    await until('an answer', async () => load.answers.get('1.2.0'))
    const target = await world.open({ projectDir: project.dir, config: { project: world.prefix, services: ['web'] } })
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.steps.filter((step) => step.kind === kind)).toHaveLength(4)
    await carryOut(target, planned)
    for (const number of [1, 2, 3, 4])
      expect(await inspect(`${world.prefix}-web-${number}`)).toMatchObject({ Image: good })
    const before = load.answers.get('1.1.0') ?? 0
    await until('more answers', async () => (load.answers.get('1.1.0') ?? 0) > before + 20)
    await load.stop()
    expect([...load.answers.keys()].sort()).toEqual(['1.1.0', '1.2.0'])
  })
})

/** Several clients that ask all the time; what they were answered, counted. */
function ask(port: number) {
  const answers = new Map<string, number>()
  let asking = true
  const client = async (): Promise<void> => {
    while (asking) {
      const answer = await once(port)
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
      await wait(10)
    }
  }
  const clients = Promise.all(Array.from({ length: 4 }, client))
  return {
    answers,
    async stop() {
      asking = false
      await clients
    }
  }
}

function once(port: number): Promise<string> {
  return new Promise((resolve) => {
    const call = request({ host: '127.0.0.1', port, path: '/', agent: false, timeout: 20_000 }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => resolve(response.statusCode === 200 ? body.trim() : `status ${response.statusCode}`))
    })
    call.on('timeout', () => call.destroy(new Error('timeout')))
    call.on('error', (error) => resolve(error.message))
    call.end()
  })
}
