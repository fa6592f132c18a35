import { expect, test } from 'vitest'
import type { DeploymentRecord } from '../../../src/model/deployment-record.ts'
import { rankCandidates, recommend } from '../../../src/rollback/assess/candidates.ts'
import type { FormerRollback } from '../../../src/rollback/assess/evidence.ts'
import { release } from '../../../testkit/in-memory-target.ts'
import { failed, success } from '../engine-harness.ts'

const now = '2026-03-18T15:00:00.000Z'
const rolledBack = (version: string, to: string, at: string, outcome?: string): DeploymentRecord => ({
  at,
  target: 'shelf',
  version,
  status: 'rolled_back',
  rollbackTo: to,
  ...(outcome && { outcome })
})

const current = release('1.2.0')
const others = [release('1.0.0'), release('1.1.0')]

const ranked = (history: DeploymentRecord[], releases = others, formerRollbacks: FormerRollback[] = []) =>
  rankCandidates(current, releases, { history, formerRollbacks, now })

const recommendedOf = (history: DeploymentRecord[], releases = others): string | undefined =>
  recommend(current, ranked(history, releases))?.release.version

test('the version that served well last comes first', () => {
  const history = [
    success('1.2.0', '2026-03-18T00:00:00.000Z'),
    success('1.1.0', '2026-03-10T00:00:00.000Z'),
    success('1.0.0', '2026-03-01T00:00:00.000Z')
  ]
  expect(ranked(history).map(({ release }) => release.version)).toEqual(['1.1.0', '1.0.0'])
  expect(recommendedOf(history)).toBe('1.1.0')
})

test('the version before is passed over when it failed', () => {
  expect(
    recommendedOf([failed('1.1.0', '2026-03-10T00:00:00.000Z'), success('1.0.0', '2026-03-01T00:00:00.000Z')])
  ).toBe('1.0.0')
})

test('a version that was rolled back from is not recommended', () => {
  const history = [
    rolledBack('1.1.0', '1.0.0', '2026-03-12T00:00:00.000Z', 'succeeded'),
    success('1.1.0', '2026-03-10T00:00:00.000Z'),
    success('1.0.0', '2026-03-01T00:00:00.000Z')
  ]
  expect(recommendedOf(history)).toBe('1.0.0')
})

test('a later proven serving period clears the mark', () => {
  const history = [
    success('1.1.0', '2026-03-15T00:00:00.000Z'),
    rolledBack('1.1.0', '1.0.0', '2026-03-12T00:00:00.000Z', 'succeeded'),
    success('1.0.0', '2026-03-01T00:00:00.000Z')
  ]
  expect(recommendedOf(history)).toBe('1.1.0')
})

test('popkit’s own rolled_back record proves nothing about what it rolled back to', () => {
  const [candidate] = ranked([rolledBack('1.3.0', '1.1.0', '2026-03-12T00:00:00.000Z')], [release('1.1.0')])
  expect(candidate?.good).toBe(false)
})

test('a proven rollback of this program is evidence for the version it put in place', () => {
  expect(recommendedOf([rolledBack('1.3.0', '1.1.0', '2026-03-12T00:00:00.000Z', 'succeeded')])).toBe('1.1.0')
})

test('the target’s own mark counts as a rolled back record does', () => {
  const releases = [release('1.1.0', { rolledBackAt: '2026-03-12T00:00:00.000Z' }), release('1.0.0')]
  const history = [success('1.1.0', '2026-03-10T00:00:00.000Z'), success('1.0.0', '2026-03-01T00:00:00.000Z')]
  const marked = [failed('1.2.0', '2026-03-11T00:00:00.000Z'), ...history]
  expect(recommendedOf(marked, releases)).toBe('1.0.0')
})

test('what the target saw serve is evidence without any history', () => {
  const served = {
    from: '2026-03-01T00:00:00.000Z',
    until: '2026-03-10T00:00:00.000Z',
    source: 'published and superseded'
  }
  expect(recommendedOf([], [release('1.1.0', { served }), release('1.0.0')])).toBe('1.1.0')
})

test('a prerelease is recommended only to one who runs a prerelease', () => {
  const history = [success('1.1.0', '2026-03-10T00:00:00.000Z')]
  const releases = [release('1.1.0', { prerelease: true })]
  expect(recommendedOf(history, releases)).toBeUndefined()
  expect(recommend({ ...current, prerelease: true }, ranked(history, releases))?.release.version).toBe('1.1.0')
})

test('what is gone from the target is listed, last, and never recommended', () => {
  const history = [success('1.1.0', '2026-03-10T00:00:00.000Z'), success('1.0.0', '2026-03-01T00:00:00.000Z')]
  const releases = [release('1.1.0', { available: { state: 'no', reason: 'deleted' } }), release('1.0.0')]
  expect(ranked(history, releases).at(-1)).toMatchObject({
    release: { version: '1.1.0' },
    evidenceAgainst: ['deleted']
  })
  expect(recommendedOf(history, releases)).toBe('1.0.0')
})

test('a tag that was pushed again does not inherit the evidence of its former digest', () => {
  const history = [{ ...success('1.1.0', '2026-03-10T00:00:00.000Z'), digest: 'sha256:other' }]
  expect(recommendedOf(history, [release('1.1.0')])).toBeUndefined()
})

test('a tag that was pushed again does not inherit that a rollback to its former digest was proven', () => {
  const proven = rolledBack('1.3.0', '1.1.0', '2026-03-12T00:00:00.000Z', 'succeeded')
  expect(recommendedOf([{ ...proven, rollbackToDigest: 'sha256:other' }], [release('1.1.0')])).toBeUndefined()
  expect(recommendedOf([{ ...proven, rollbackToDigest: 'sha256:1.1.0' }], [release('1.1.0')])).toBe('1.1.0')
})

test('a version that a rollback could not bring up is spoken against', () => {
  const what = 'a return to it did not come up'
  const returns = [{ version: '1.1.0', id: 'sha256:1.1.0', at: '2026-03-18T14:00:00.000Z', rollbackId: 'rb-x', what }]
  const history = [failed('1.2.0', '2026-03-18T13:00:00.000Z'), success('1.1.0', '2026-03-10T00:00:00.000Z')]
  expect(recommend(current, ranked(history, others, returns))).toBeNull()
})

/** As a registry infers it: from publishing until the next was published. */
const inferred = (from: string | undefined, until: string) => ({
  ...(from && { from }),
  until,
  source: 'inferred: published, then superseded'
})

test('a failure is not cleared by a period that began before it, however long it seems to have lasted', () => {
  const served = inferred('2026-03-10T12:00:00.000Z', '2026-03-12T00:00:00.000Z')
  const [candidate] = ranked([failed('1.1.0', '2026-03-10T12:01:00.000Z')], [release('1.1.0', { served })])
  expect(candidate).toMatchObject({
    good: false,
    evidenceAgainst: [expect.stringContaining('failed at 2026-03-10T12:01')]
  })
})

test('a period that the target saw begin after the failure clears it', () => {
  const served = inferred('2026-03-10T12:10:00.000Z', '2026-03-12T00:00:00.000Z')
  expect(recommendedOf([failed('1.1.0', '2026-03-10T12:01:00.000Z')], [release('1.1.0', { served })])).toBe('1.1.0')
})

test('a period of which only the end is known clears nothing', () => {
  const served = inferred(undefined, '2026-03-12T00:00:00.000Z')
  expect(recommendedOf([failed('1.1.0', '2026-03-10T12:01:00.000Z')], [release('1.1.0', { served })])).toBeUndefined()
})

test('a mark of having been rolled back from is not cleared by a period that began before it', () => {
  const served = inferred('2026-03-10T12:00:00.000Z', '2026-03-14T00:00:00.000Z')
  const marked = release('1.1.0', { served, rolledBackAt: '2026-03-12T00:00:00.000Z' })
  expect(recommendedOf([], [marked])).toBeUndefined()
  expect(
    recommendedOf([rolledBack('1.1.0', '1.0.0', '2026-03-12T00:00:00.000Z')], [release('1.1.0', { served })])
  ).toBeUndefined()
})

const hotFixes = [
  failed('1.2.0', '2026-03-18T14:15:00.000Z'),
  success('1.1.1', '2026-03-18T14:10:00.000Z'),
  failed('1.1.0', '2026-03-18T14:00:00.000Z'),
  success('1.0.0', '2026-02-20T14:00:00.000Z')
]
const early = [release('1.0.0'), release('1.1.0'), release('1.1.1')]

test('a hot-fix that served minutes amid failures does not beat what served for weeks, and the evidence says so', () => {
  expect(recommendedOf(hotFixes, early)).toBe('1.0.0')
  const fix = ranked(hotFixes, early).find(({ release }) => release.version === '1.1.1')
  expect(fix).toMatchObject({
    good: true,
    shortLived: true,
    evidenceFor: [expect.stringContaining('served 5m 0s (deploy.json); less than an hour, right after a failure')]
  })
})

test('the same from what the target saw serve', () => {
  const served = inferred('2026-03-18T14:10:00.000Z', '2026-03-18T14:15:00.000Z')
  const seen = [release('1.0.0'), release('1.1.1', { served })]
  const history = [failed('1.1.0', '2026-03-18T14:00:00.000Z'), success('1.0.0', '2026-02-20T14:00:00.000Z')]
  expect(recommendedOf(history, seen)).toBe('1.0.0')
})

test('a hot-fix is recommended where nothing did better', () => {
  expect(recommendedOf(hotFixes.slice(0, -1), early)).toBe('1.1.1')
})

test('where deployments follow each other within minutes and none failed, the last one comes first', () => {
  const history = [
    failed('1.2.0', '2026-03-18T14:15:00.000Z'),
    success('1.1.1', '2026-03-18T14:10:00.000Z'),
    success('1.1.0', '2026-03-18T14:00:00.000Z'),
    success('1.0.0', '2026-02-20T14:00:00.000Z')
  ]
  expect(recommendedOf(history, early)).toBe('1.1.1')
})

test('a fix that served for an hour comes first again', () => {
  const longer = [failed('1.2.0', '2026-03-18T15:30:00.000Z'), ...hotFixes.slice(1)]
  const later = { history: longer, formerRollbacks: [], now: '2026-03-18T16:00:00.000Z' }
  expect(recommend(current, rankCandidates(current, early, later))?.release.version).toBe('1.1.1')
})

test('the version that serves, with its earlier configuration, is judged by what was before that one', () => {
  const until = '2026-03-17T00:00:00.000Z'
  const earlier = { ...release('1.2.0'), earlierConfiguration: { until } }
  const history = [failed('1.2.0', '2026-03-18T00:00:00.000Z'), success('1.2.0', '2026-03-10T00:00:00.000Z')]
  expect(recommendedOf(history, [earlier])).toBe('1.2.0')
  expect(recommendedOf([failed('1.2.0', '2026-03-16T00:00:00.000Z'), ...history.slice(1)], [earlier])).toBeUndefined()
  expect(ranked(history, [release('1.2.0')])).toEqual([])
})

test('a rollback of the configuration alone speaks against no version', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const back = rolledBack('1.1.0', '1.1.0', '2026-03-12T00:00:00.000Z', 'succeeded')
  const history = [{ ...back, digest, rollbackToDigest: digest }, success('1.1.0', '2026-03-10T00:00:00.000Z')]
  expect(recommendedOf(history, [{ ...release('1.1.0'), id: digest }])).toBe('1.1.0')
})
