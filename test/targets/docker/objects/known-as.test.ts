import { expect, it } from 'vitest'
import type { DeploymentRecord } from '../../../../src/model/deployment-record.ts'
import { knownAs } from '../../../../src/targets/docker/objects/known-as.ts'

const commit = '3f2a9c1d0e8b4a5f6c7d8e9f0a1b2c3d4e5f6a7b'
const record = (version: string, commit?: string): DeploymentRecord => ({
  at: '2026-03-10T09:00:00.000Z',
  target: 'docker',
  version,
  status: 'success',
  ...(commit && { commit })
})
const revision = { 'org.opencontainers.image.revision': commit }

it.each([
  ['a leading v', 'v1.1.0', {}, [record('1.1.0')], '1.1.0'],
  ['no leading v', '1.1.0', {}, [record('v1.1.0')], 'v1.1.0'],
  ['its own name, where history has that', 'v1.1.0', {}, [record('1.1.0'), record('v1.1.0')], 'v1.1.0'],
  ['the commit of a record', 'sha-3f2a9c1', {}, [record('1.1.0', commit)], '1.1.0'],
  ['the commit of a record, by the image’s label', 'git-77b01de', revision, [record('1.1.0', '3f2a9c1')], '1.1.0'],
  [
    'a version label, for a commit’s tag',
    '77b01de',
    { 'org.opencontainers.image.version': '1.1.0' },
    [record('v1.1.0')],
    'v1.1.0'
  ],
  ['a version that is a commit', '1.1.0', revision, [record('3f2a9c1')], '3f2a9c1']
])('an image is known to history by %s', (_, tag, labels, history, version) => {
  expect(knownAs(tag, labels, history)).toBe(version)
})

it.each([
  ['two version numbers of one commit', '1.1.0-rc1', revision, [record('1.1.0', commit)]],
  ['a date that looks like a commit', '20260318', {}, [record('1.1.0', '20260318aa')]],
  ['the commit of another', 'sha-77b01de', {}, [record('1.1.0', commit)]],
  ['too little of a commit', '3f2a9c', {}, [record('1.1.0', commit)]],
  ['another version', '1.1.1', {}, [record('1.1.0')]]
])('%s are not one version', (_, tag, labels, history) => {
  expect(knownAs(tag, labels, history)).toBe(tag)
})
