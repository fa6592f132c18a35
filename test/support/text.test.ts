import { expect, test } from 'vitest'
import { capTail, duration, oneLine, plain } from '../../src/support/text.ts'

test('plain text has no control characters, terminal sequences or invisible marks', () => {
  expect(plain('a\u001b[31mred\u001b[0m\u0007b\u202ec\u200bd\u{e0041}e\ufefff\nkept\ttoo')).toBe('aredbcdef\nkept\ttoo')
})

test('one line is one line, and says that it was cut', () => {
  expect(oneLine('two\n  lines\r\n', 20)).toBe('two lines')
  expect(oneLine('x'.repeat(50), 10)).toBe(`${'x'.repeat(9)}…`)
})

test('a cap keeps the end and says what was left out', () => {
  expect(capTail('short', 10)).toBe('short')
  expect(capTail('0123456789abcdef', 4)).toBe('[12 characters left out]\ncdef')
})

test('durations are said as people say them', () => {
  expect([850, 25_000, 200_000, 7_500_000].map(duration)).toEqual(['850 ms', '25s', '3m 20s', '2h 5m'])
})
