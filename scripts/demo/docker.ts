import backend from '../../testkit/backends/docker.ts'
import { docker, makeImage } from '../../testkit/docker/images.ts'
import { createWorld, isHealthy, type World } from '../../testkit/docker/world.ts'
import { get } from '../../testkit/get.ts'
import { historyRecord } from '../../testkit/history-record.ts'
import { testProject } from '../../testkit/project.ts'
import type { Scene } from './stage.ts'

/** A private registry with a good 1.1.0 that served, and a 1.2.0 in its place whose health check fails. */
const dockerScene: Scene = async () => {
  const brought = await backend.bring()
  if ('missing' in brought) return { missing: `a Docker engine with a registry beside it: ${brought.missing}` }
  const { registry = '', host = '' } = brought.env
  const world = createWorld(registry)
  const digest = await makeImage(world.repository, '1.1.0')
  await makeImage(world.repository, '1.2.0', { mode: 'crash' })
  const options = ['-p', '127.0.0.1::8080', '--restart', 'always']
  await world.start('web', '1.1.0', ...options)
  await isHealthy(`${world.prefix}-web`)
  const port = (await docker('port', `${world.prefix}-web`, '8080')).split(':').at(-1)
  await docker('rm', '-f', `${world.prefix}-web`)
  await world.start('web', '1.2.0', '-p', `127.0.0.1:${port}:8080`, '--restart', 'always')
  return {
    story: [
      `The image ${world.repository}:1.1.0 served at http://127.0.0.1:${port}/.`,
      'Then 1.2.0 was deployed in its place, and it ends as soon as it starts; its restart policy starts it again and again.'
    ],
    projectDir: await demoProject(world, registry, digest),
    env: { DOCKER_HOST: host },
    userSees: () => visit(Number(port)),
    async stop() {
      await world.remove()
      await brought.stop?.()
    }
  }
}

export default dockerScene

/** A project whose history says what was deployed there. */
async function demoProject({ repository }: World, registry: string, digest: string): Promise<string> {
  const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString()
  const config = { image_name: repository.slice(registry.length + 1), registry, rollback: { soak_seconds: 3 } }
  const { dir } = await testProject({
    version: '1.0',
    project_name: 'pop-demo',
    targets: { docker: { enabled: true, primary: true, config } },
    history: [
      historyRecord('docker', '1.2.0', 'failed', ago(2), { error: 'the container restarts again and again' }),
      historyRecord('docker', '1.1.0', 'success', ago(60 * 24), { digest })
    ]
  })
  return dir
}

async function visit(port: number): Promise<string[]> {
  const page = await get(port, 2000)
  return [`$ curl http://127.0.0.1:${port}/`, page === null ? 'no answer: connection refused' : `version ${page}`]
}
