import { expect, test } from 'vitest'
import { camelCase, snakeCase } from '../../src/support/casing.ts'

test('keys go to snake_case and back; what belongs to others is left as it is', () => {
  const inside = {
    rollbackId: 'rb',
    steps: [{ manualCommands: ['x'], params: { imageId: 1, 'com.example.fooBar': 2 } }]
  }
  const outside = {
    rollback_id: 'rb',
    steps: [{ manual_commands: ['x'], params: { imageId: 1, 'com.example.fooBar': 2 } }]
  }
  expect(snakeCase(inside)).toEqual(outside)
  expect(camelCase(outside)).toEqual(inside)
})

test('undefined fields do not leave', () => {
  expect(snakeCase({ a: undefined, b: null })).toEqual({ b: null })
})
