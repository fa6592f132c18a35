import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { readWorkloads } from '../../../../src/targets/kubernetes/workloads/read.ts'
import { detailsSchema, releasesOf } from '../../../../src/targets/kubernetes/workloads/releases.ts'
import { deployment, fakeCluster, put, replicaSet } from '../fake-cluster.ts'

/** Deployments by name, each with its revisions: image, and when it was made; the last one serves. */
async function releasesWith(shapes: Record<string, [string, string][]>, spec: JsonObject = {}) {
  const names = Object.keys(shapes)
  const cluster = fakeCluster({ workloads: names.map((name) => `deployment/${name}`) })
  for (const [name, revisions] of Object.entries(shapes)) {
    const [image = ''] = revisions.at(-1) ?? []
    const sets = revisions.map(([each, at], index) => replicaSet(name, index + 1, each, `2026-01-${at}Z`))
    put(cluster, deployment(name, { image, spec }), ...sets)
  }
  const { current, releases } = releasesOf(await readWorkloads(cluster.context, AbortSignal.timeout(60_000)))
  const sets = releases.map(({ version, details }) => {
    const { revisions } = detailsSchema.parse(details)
    return [version, Object.values(revisions).map(({ name }) => name)]
  })
  return { current: current.version, sets: Object.fromEntries(sets) as Record<string, string[]> }
}

test('workloads that are applied one after the other go back to what ran together for long', async () => {
  const { sets } = await releasesWith({
    api: [
      ['api:7.0.0', '01T10:00:02'],
      ['api:7.1.0', '02T10:00:02']
    ],
    web: [
      ['web:1.1.0', '01T10:00:05'],
      ['web:1.2.0', '02T10:00:05']
    ]
  })
  expect(sets).toEqual({ '7.0.0': ['api-1', 'web-1'] })
})

test('a workload that did not change stays, and one that was created later is left out', async () => {
  const web: [string, string][] = [
    ['web:1.1.0', '02T10:00:00'],
    ['web:1.2.0', '03T10:00:00']
  ]
  expect((await releasesWith({ api: [['api:7.0.0', '01T10:00:00']], web })).sets).toEqual({
    '1.1.0': ['api-1', 'web-1']
  })
  expect((await releasesWith({ api: [['api:7.0.0', '04T10:00:00']], web })).sets).toEqual({ '1.1.0': ['web-1'] })
})

test('revision numbers of several workloads are not joined: each one names what ran together with it', async () => {
  const { current, sets } = await releasesWith({
    api: [
      ['api:latest', '01T10:00:00'],
      ['api:latest', '04T10:00:00']
    ],
    web: [
      ['web:latest', '01T10:00:01'],
      ['web:latest', '02T10:00:01'],
      ['web:latest', '03T10:00:01']
    ]
  })
  expect(current).toMatch(/^mixed-/)
  expect(sets).toEqual({
    'api-revision-1': ['api-1', 'web-3'],
    'revision-1': ['api-1', 'web-1'],
    'web-revision-2': ['api-1', 'web-2']
  })
})

test('of several revisions that ran with it for long, the last one goes back together with it', async () => {
  const { sets } = await releasesWith({
    api: [
      ['api:7.0.0', '01T10:00:00'],
      ['api:7.1.0', '04T10:00:00']
    ],
    web: [
      ['web:1.1.0', '01T10:00:00'],
      ['web:1.2.0', '04T09:50:00']
    ]
  })
  expect(sets['7.0.0']).toEqual(['api-1', 'web-2'])
})
