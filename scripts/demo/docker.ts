import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import backend from '../../testkit/backends/docker.ts'
import { docker, makeImage } from '../../testkit/docker/images.ts'
import { createWorld, isHealthy, type World } from '../../testkit/docker/world.ts'
import type { Scene } from './stage.ts'

/** A private registry with a good 1.1.0 that served, and a 1.2.0 in its place whose health check fails. */
const dockerScene: Scene = async () => {
  const brought = await backend.bring()
  if ('missing' in brought) throw new Error(`This demo needs a Docker engine: ${brought.missing}`)
  const { registry = '', host = '' } = brought.env
  const world = createWorld(registry)
  const projectDir = await mkdtemp(join(tmpdir(), 'pop-demo-'))
  const digest = await makeImage(world.repository, '1.1.0')
  await makeImage(world.repository, '1.2.0', { mode: 'crash' })
  const options = ['-p', '127.0.0.1::8080', '--restart', 'always']
  await world.start('web', '1.1.0', ...options)
  await isHealthy(`${world.prefix}-web`)
  const port = (await docker('port', `${world.prefix}-web`, '8080')).split(':').at(-1)
  await docker('rm', '-f', `${world.prefix}-web`)
  await world.start('web', '1.2.0', '-p', `127.0.0.1:${port}:8080`, '--restart', 'always')
  await writeProject(projectDir, world, registry, digest)
  return {
    story: [
      `The image ${world.repository}:1.1.0 served at http://127.0.0.1:${port}/.`,
      'Then 1.2.0 was deployed in its place, and it ends as soon as it starts; its restart policy starts it again and again.'
    ],
    projectDir,
    env: { DOCKER_HOST: host },
    userSees: () => visit(`http://127.0.0.1:${port}/`),
    async stop() {
      await world.remove()
      await brought.stop?.()
    }
  }
}

export default dockerScene

async function writeProject(projectDir: string, world: World, registry: string, digest: string): Promise<void> {
  const record = (minutes: number, version: string, status: string, more: object) => ({
    timestamp: new Date(Date.now() - minutes * 60_000).toISOString(),
    target: 'docker',
    version,
    status,
    commit_sha: null,
    duration_ms: 9000,
    error: null,
    rollback_to: null,
    ...more
  })
  const deploy = {
    version: '1.0',
    project_name: 'pop-demo',
    targets: {
      docker: {
        enabled: true,
        primary: true,
        config: { image_name: world.repository.slice(registry.length + 1), registry, rollback: { soak_seconds: 3 } }
      }
    },
    history: [
      record(2, '1.2.0', 'failed', { error: 'the container restarts again and again' }),
      record(60 * 24, '1.1.0', 'success', { digest })
    ]
  }
  await mkdir(join(projectDir, '.claude/popkit'), { recursive: true })
  await writeFile(join(projectDir, '.claude/popkit/deploy.json'), `${JSON.stringify(deploy, null, 2)}\n`)
}

async function visit(url: string): Promise<string[]> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    async (response) => (response.ok ? `version ${(await response.text()).trim()}` : `HTTP ${response.status}`),
    () => 'no answer: connection refused'
  )
  return [`$ curl ${url}`, answer]
}
