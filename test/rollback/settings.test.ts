import { expect, test } from 'vitest'
import { settingsOf } from '../../src/rollback/session.ts'

test('the settings of a rollback are read in milliseconds, each with its default', () => {
  expect(settingsOf('web', {})).toEqual({ soakMs: 10_000, limitMs: 900_000, maxAttempts: 3 })
})

test('a soak that is as long as the whole rollback may take is refused, for it could never be proven', () => {
  const read = (soak_seconds: number) => settingsOf('web', { rollback: { soak_seconds, limit_minutes: 1 } })
  expect(read(59).soakMs).toBe(59_000)
  expect(() => read(60)).toThrow(/soak_seconds \(60\) is not shorter than limit_minutes \(1\)/)
})
