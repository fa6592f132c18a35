import { describe, expect, it } from 'vitest'
import { matches, selectorText } from '../../../../src/targets/kubernetes/objects/selector.ts'

const selector = {
  matchLabels: { app: 'web' },
  matchExpressions: [
    { key: 'tier', operator: 'In', values: ['front', 'edge'] },
    { key: 'team', operator: 'NotIn', values: ['ops'] },
    { key: 'track', operator: 'Exists' },
    { key: 'canary', operator: 'DoesNotExist' }
  ]
}
const labels = { app: 'web', tier: 'edge', track: 'stable' }

describe('a label selector', () => {
  it('is written in the form of a query', () => {
    expect(selectorText(selector)).toBe('app=web,tier in (front,edge),team notin (ops),track,!canary')
  })

  it('selects what meets every term', () => {
    expect(matches(selector, labels)).toBe(true)
    expect(matches({}, labels)).toBe(true)
  })

  const others: Record<string, string>[] = [
    { ...labels, app: 'api' },
    { ...labels, tier: 'back' },
    { app: 'web', track: 'stable' },
    { ...labels, team: 'ops' },
    { app: 'web', tier: 'edge' },
    { ...labels, canary: 'yes' }
  ]
  it.each(others)('does not select %j', (other) => {
    expect(matches(selector, other)).toBe(false)
  })

  it('with an unknown operator selects nothing', () => {
    expect(matches({ matchExpressions: [{ key: 'app', operator: 'Near', values: ['web'] }] }, labels)).toBe(false)
  })
})
