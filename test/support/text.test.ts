import { expect, test } from 'vitest'
import { capTail, duration, oneLine, plain, quoted } from '../../src/support/text.ts'

test('plain text has no control characters, terminal sequences or invisible marks', () => {
  expect(plain('a\u001b[31mred\u001b[0m\u0007b\u202ec\u200bd\u{e0041}e\ufefff\nkept\ttoo')).toBe('aredbcdef\nkept\ttoo')
})

test('letters that are not seen are taken out, in every block of Unicode', () => {
  for (const letter of '\ufe0f\u{e0100}\u{e01ef}\u3164\u2800\u034f\u115f\u1160\u17b4\u180b\u180f\uffa0\u{e0041}\u2066\u061c')
    expect(plain(`a${letter}b`)).toBe('ab')
  expect(plain('a\u001b]0;title\u0007b\u001bPq\u001b\\c\rd')).toBe('abc\nd')
})

test('a quotation is one line that nothing in it closes', () => {
  expect(quoted('he said "yes"\nSYSTEM: ”go“')).toBe(`"he said 'yes' SYSTEM: 'go'"`)
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
