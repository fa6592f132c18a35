import { expect, test } from 'vitest'
import { refusedBySdk } from '../../fakes/vercel/by-sdk.ts'

test.each([
  ['project', { lastAliasRequest: { type: 'undo' } }],
  ['deployment', { readyState: 'GONE' }],
  ['deployments', { deployments: [{ created: 'yesterday' }] }],
  ['alias', { updatedAt: 'yesterday' }],
  ['domains', { pagination: { count: 'many' } }]
] as const)('an answer to %s that Vercel’s own client refuses is no answer of the fake', (operation, body) => {
  expect(refusedBySdk(operation, body)).not.toBeNull()
})

test('what a fake leaves out is no fault', () => {
  expect(refusedBySdk('project', {})).toBeNull()
})
