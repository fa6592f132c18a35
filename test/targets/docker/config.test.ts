import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { configSchema } from '../../../src/targets/docker/config.ts'
import { discoverDocker } from '../../../src/targets/docker/discover.ts'
import { testProject } from '../../../testkit/project.ts'

it.each([
  { image_name: 'shop/web\u0000' },
  { image_name: 'shop/web --rm' },
  { image_name: `a${'/'.repeat(50_000)}a` },
  { registry: 'ghcr.io\u0000' },
  { registry: 'ghcr.io/../..' },
  { registry: `${'/'.repeat(50_000)}x y` },
  { host: 'tcp://engine\u0000:2376' },
  { host: 'tcp://engine:2376\n' },
  { docker_context: '../far' },
  { compose_file: 'compose\u0000.yaml' },
  { project: 'Shop' },
  { services: ['web\n'] },
  { containers: ['-web'] },
  { swarm_service: 'web\u0000' }
])('a configuration with what cannot be a name is refused: %j', (config) => {
  expect(configSchema.safeParse(config).success).toBe(false)
})

it.each([
  { image_name: 'web', registry: '' },
  { image_name: 'shop/web:1.0', registry: 'https://ghcr.io/acme/' },
  { image_name: 'registry.example:5000/web', registry: '[::1]:5000' },
  { host: 'unix:///var/run/docker.sock', docker_context: 'far-away.1' },
  { compose_file: 'deploy/docker compose.yaml' }
])('a configuration with names is accepted: %j', (config) => {
  expect(configSchema.safeParse(config).error).toBeUndefined()
})

it('a Compose file whose images are long lines is read at once', async () => {
  const images = ['@'.repeat(100_000), `a${':${'.repeat(50_000)}`]
  const services = images.map((image, index) => `  s${index}: {image: ${JSON.stringify(`${image}\n`)}}`)
  const project = await testProject({ version: '1.0', targets: {} })
  await writeFile(join(project.dir, 'compose.yaml'), `services:\n${services.join('\n')}\n`)
  const began = performance.now()
  expect(await discoverDocker(project.dir, {})).toBeNull()
  expect(performance.now() - began).toBeLessThan(3000)
  await project.remove()
})
