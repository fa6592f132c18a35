import { expect } from 'vitest'
import { mayRollBack } from '../../../src/targets/vercel/rights.ts'
import { onVercel } from './on-vercel.ts'
import { planned } from './scene.ts'

const test = onVercel()

const verdict = (role: string, permissions: string[] | null): string => {
  const { blockers, risks } = mayRollBack({ role, permissions })
  return blockers.length > 0 ? 'blocked' : risks.length > 0 ? 'unsure' : 'may'
}

test.each([
  ['OWNER', null, 'may'],
  ['MEMBER', [], 'may'],
  ['DEVELOPER', ['FullProductionDeployment'], 'may'],
  ['DEVELOPER', [], 'blocked'],
  ['DEVELOPER', null, 'unsure'],
  ['CONTRIBUTOR', [], 'unsure'],
  ['VIEWER', [], 'blocked'],
  ['SOMETHING_NEW', [], 'unsure']
] as const)('the role %s with the permissions %j %s', (role, permissions, expected) => {
  expect(verdict(role, permissions && [...permissions])).toBe(expected)
})

test('a developer without the permission for production is told before anything changes', async ({ vercel }) => {
  vercel.role = 'DEVELOPER'
  expect((await planned(vercel)).draft.blockers).toMatchObject([
    { id: 'role_too_small', why: expect.stringContaining('Full Production Deployment') }
  ])
})

test('a role that cannot be read is a risk, and no obstacle', async ({ vercel }) => {
  vercel.role = null
  const { draft } = await planned(vercel)
  expect(draft.blockers).toEqual([])
  expect(draft.risks).toMatchObject([{ id: 'role_unsure', serious: false }])
})
