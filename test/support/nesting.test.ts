import { expect, it } from 'vitest'
import { parseOutsideJson, tooDeepAt } from '../../src/support/nesting.ts'

const nested = (depth: number): string => `${'{"a":['.repeat(depth / 2)}1${']}'.repeat(depth / 2)}`

it('JSON of a hundred levels is read', () => {
  expect(JSON.stringify(parseOutsideJson(nested(100)))).toBe(nested(100))
})

it.each([102, 100_000])('JSON of %i levels is refused, whoever walks it', (depth) => {
  expect(() => parseOutsideJson(nested(depth))).toThrow('nested deeper than 100 levels')
  expect(tooDeepAt(JSON.parse(nested(depth)))).toEqual(['a', '0', 'a', '0'])
})
