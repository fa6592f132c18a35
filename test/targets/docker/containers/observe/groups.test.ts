import { expect, it } from 'vitest'
import { whyUnrelated } from '../../../../../src/targets/docker/containers/observe/groups.ts'
import { composed, containerNamed, port } from '../../../../../testkit/docker/container.ts'

const kamal = (destination: string, role: string) => ({ labels: { service: 'shop', role, destination } })
const volume = { mounts: [{ Type: 'volume', Name: 'uploads', Destination: '/uploads', RW: true }] }

it.each([
  [
    'staging and production',
    containerNamed('shop-staging', { host: port(81) }),
    containerNamed('shop', { host: port(80) })
  ],
  [
    'two Compose projects',
    containerNamed('a', { labels: composed('a', 'web') }),
    containerNamed('b', { labels: composed('b', 'web') })
  ],
  [
    'two Compose projects with one volume',
    containerNamed('a', { ...volume, labels: composed('a', 'web') }),
    containerNamed('b', { ...volume, labels: composed('b', 'web') })
  ],
  [
    'a Compose project and another container',
    containerNamed('a', { labels: composed('a', 'web') }),
    containerNamed('b')
  ],
  [
    'two destinations of Kamal',
    containerNamed('a', kamal('staging', 'web')),
    containerNamed('b', kamal('production', 'web'))
  ]
])('%s are not one deployment', (_, one, other) => {
  expect(whyUnrelated([one, other])).toMatch(/nothing says that they are one deployment/)
})

it.each([
  ['replicas by number', containerNamed('web-1'), containerNamed('web-2')],
  [
    'services of one project',
    containerNamed('a', { labels: composed('a', 'web') }),
    containerNamed('b', { labels: composed('a', 'worker') })
  ],
  [
    'two roles of Kamal',
    containerNamed('shop-web-0a', kamal('', 'web')),
    containerNamed('shop-job-0a', kamal('', 'job'))
  ],
  ['two that write to one volume', containerNamed('web', volume), containerNamed('worker', volume)],
  [
    'one in the network of the other',
    containerNamed('web'),
    containerNamed('proxy', { host: { NetworkMode: `container:${containerNamed('web').Id}` } })
  ]
])('%s are one deployment', (_, one, other) => {
  expect(whyUnrelated([one, other])).toBeNull()
})
