import { expect, it } from 'vitest'
import type { CandidateImage } from '../../../../../src/targets/docker/containers/plan/candidate-image.ts'
import { type ContainerPlan, planSteps } from '../../../../../src/targets/docker/containers/plan/plan-steps.ts'
import type { DockerContext } from '../../../../../src/targets/docker/context.ts'
import { type ContainerParts, containerNamed, ended, port } from '../../../../../testkit/docker/container.ts'

const candidate = { exact: `sha256:${'a'.repeat(64)}`, shown: 'web:1.1.0' } as CandidateImage
const to = { version: '1.1.0', id: candidate.exact, available: { state: 'yes' as const } }
const unhealthy = { Status: 'running', Running: true, Health: { Status: 'unhealthy' } }

const planned = (name: string, parts: ContainerParts = {}, more: Partial<ContainerPlan> = {}): ContainerPlan => ({
  container: containerNamed(name, parts),
  configuration: null,
  whyNotBeside: 'both would need the same host port',
  isDown: false,
  isJob: false,
  hasOwnFiles: false,
  ...more
})
const idsOf = (config: object, ...plans: ContainerPlan[]): string[] =>
  planSteps({ config } as DockerContext, { from: null, to }, candidate, plans).map(({ id }) => id)

it.each([
  ['fails its health check', unhealthy, false],
  ['is down', ended(1), true]
])('what publishes a port and %s is replaced before a worker that serves', (_, state, isDown) => {
  const worker = planned('a-worker', {}, { whyNotBeside: null })
  const ids = idsOf({}, worker, planned('web', { state, host: port(80) }, { isDown }))
  expect(ids.indexOf('swap:web')).toBeGreaterThan(0)
  expect(ids.indexOf('swap:web')).toBeLessThan(ids.indexOf('beside:a-worker'))
})

it('of what is down, what publishes a port comes first where they go one by one', () => {
  const worker = planned('a-worker', { state: ended(1) }, { isDown: true })
  const web = planned('web', { state: ended(1), host: port(80) }, { isDown: true })
  expect(idsOf({ max_parallel: 1 }, worker, web).filter((id) => id.startsWith('swap:'))).toEqual([
    'swap:web',
    'swap:a-worker'
  ])
})

it('what publishes a port and fails its health check goes at once with a worker that is down, its replicas after', () => {
  const worker = planned('a-worker', { state: ended(1) }, { isDown: true })
  const [one, two] = ['web-1', 'web-2'].map((name) => planned(name, { state: unhealthy, host: port(80) }))
  if (!one || !two) throw new Error('two are planned')
  const swaps = (...args: Parameters<typeof idsOf>) => idsOf(...args).filter((id) => id.startsWith('swap:'))
  expect(swaps({}, worker, one, two)).toEqual(['swap:web-1,a-worker', 'swap:web-2'])
  expect(swaps({ max_parallel: 1 }, worker, one)).toEqual(['swap:web-1', 'swap:a-worker'])
})

it('a job is not rehearsed', () => {
  const web = planned('web', { config: { Cmd: ['serve'] } })
  const migrate = planned('migrate', { config: { Cmd: ['migrate'] } }, { isJob: true })
  expect(idsOf({ rehearse: true }, migrate, web)[0]).toBe('rehearse:web')
})

it('the cleanup says of each container whether it is removed or kept, and how', () => {
  const own = { hasOwnFiles: true }
  const shop = { config: { Labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' } } }
  const plans = [planned('a'), planned('b', {}, own), planned('c', shop, own), planned('d', shop)]
  const steps = planSteps({ config: {} } as DockerContext, { from: null, to }, candidate, plans)
  expect(steps.filter(({ phase }) => phase === 'cleanup').map(({ title }) => title)).toEqual([
    'Removing the old a and d, not its volumes',
    'Removing the old c, keeping files that are in no volume as an image',
    'Keeping the old b, stopped, for files that are in no volume'
  ])
})
