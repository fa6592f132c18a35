import { expect, it } from 'vitest'
import { nanoseconds } from '../../../../src/targets/docker/configuration/go-duration.ts'
import { type Goal, towards, whatGoesBack } from '../../../../src/targets/docker/configuration/goal.ts'
import type { RenderedService, ServiceAtCommit } from '../../../../src/targets/docker/configuration/render.ts'
import {
  goalOfService,
  notTold,
  serviceDifferences
} from '../../../../src/targets/docker/configuration/service-goal.ts'
import { containerNamed } from '../../../../testkit/docker/container.ts'

const at = (service: RenderedService, other: RenderedService = service): ServiceAtCommit => ({
  service,
  other,
  volumes: new Map([['data', 'shop_data']]),
  networks: new Map(),
  root: '/tmp/there'
})

const user = {
  Env: ['A=1', 'B=2', 'KEPT=now'],
  Cmd: ['serve'],
  Labels: { 'com.docker.compose.service': 'web', 'traefik.rule': 'bad' }
}
const goal: Goal = {
  variables: new Map([
    ['A', '1'],
    ['B', 'two'],
    ['KEPT', null]
  ]),
  Cmd: null,
  Labels: { 'traefik.rule': 'good', 'com.docker.compose.service': 'evil' }
}

it('what goes back replaces the rest, keeps what is not known, and no label of Compose', () => {
  expect(towards(user, goal)).toEqual({
    Env: ['A=1', 'B=two', 'KEPT=now'],
    Labels: { 'com.docker.compose.service': 'web', 'traefik.rule': 'good' }
  })
  expect(whatGoesBack(user, goal, { Cmd: ['image'] })).toEqual(['variable B', 'command', 'label traefik.rule'])
})

it('a value that the image sets as well is no difference', () => {
  const same: Goal = {
    variables: new Map([
      ['A', '1'],
      ['MODE', 'good']
    ])
  }
  expect(whatGoesBack({ Env: ['A=1'] }, same, { Env: ['MODE=good'] })).toEqual([])
})

it('what Compose renders differently with other variables is not told by the commit', () => {
  const told = at(
    { environment: { A: 'x$$y', B: '1', C: null }, command: ['run', '1'], user: '5' },
    { environment: { A: 'x$$y', B: '2', C: null }, command: ['run', '2'], user: '5' }
  )
  expect(goalOfService(told)).toMatchObject({
    variables: new Map([
      ['A', 'x$y'],
      ['B', null],
      ['C', null]
    ]),
    User: '5',
    Cmd: undefined
  })
  expect(notTold(told)).toEqual(['variable B', 'variable C', 'command'])
})

it('a mount, port or limit that differs is named', () => {
  const container = containerNamed('web', {
    mounts: [{ Type: 'volume', Name: 'shop_data', Source: '/var/lib/x', Destination: '/data', RW: true }]
  })
  const service: RenderedService = {
    volumes: [
      { type: 'volume', source: 'data', target: '/data/' },
      { type: 'bind', source: '/tmp/there/conf', target: '/conf', read_only: true }
    ],
    ports: [{ published: '80', target: 8080, protocol: 'tcp' }],
    mem_limit: '1024',
    restart: 'no'
  }
  const found = serviceDifferences(at(service), container, '/srv/shop')
  expect(found).toEqual(
    expect.arrayContaining(['mount of /srv/shop/conf at /conf, read-only', 'port :80:8080/tcp', 'mem_limit 1024'])
  )
  expect(found.join()).not.toContain('/data')
})

it.each([
  ['1m30s', 90e9],
  ['300ms', 3e8],
  ['1.5s', 15e8],
  ['2h', 7200e9]
])('the duration %s is read as Go writes it', (text, expected) => {
  expect(nanoseconds(text)).toBe(expected)
})
