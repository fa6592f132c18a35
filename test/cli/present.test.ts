import { expect, test } from 'vitest'
import { present } from '../../src/cli/present.ts'

const text =
  '  beware   SERIOUS [migration] A migration would stay: db/7.sql came with 1.2.0 and has no way back that anybody wrote'

test('a pipe gets the text as it is', () => {
  expect(present(text, {}, {})).toBe(text)
  expect(present(text, { isTTY: false, columns: 60 }, { TERM: 'xterm' })).toBe(text)
})

test('a terminal gets lines broken at words, and what follows a label stays in its column', () => {
  expect(present(text, { isTTY: true, columns: 60 }, { NO_COLOR: '1' })).toBe(
    [
      '  beware   SERIOUS [migration] A migration would stay:',
      '           db/7.sql came with 1.2.0 and has no way back that',
      '           anybody wrote'
    ].join('\n')
  )
  expect(present('word '.repeat(60).trim(), { isTTY: true, columns: 300 }, { NO_COLOR: '1' }).split('\n')).toHaveLength(
    3
  )
  expect(present(text, { isTTY: true, columns: 40 }, { NO_COLOR: '1' })).toBe(text)
})

test('colour is for terminals that take it, and for whoever forces it; it changes no word', () => {
  const control = '\u001b['
  const down = 'docker: DOWN. 1.4.2: web crashes'
  expect(present(down, { isTTY: true }, { TERM: 'xterm' })).toContain(control)
  expect(
    present(down, { isTTY: true }, { TERM: 'xterm' })
      .split(control)
      .map((part, at) => (at ? part.replace(/^\d+m/, '') : part))
      .join('')
  ).toBe(down)
  for (const env of [{ NO_COLOR: '1', FORCE_COLOR: '1' }, { TERM: 'dumb' }])
    expect(present(down, { isTTY: true }, env)).not.toContain(control)
  expect(present(down, {}, { FORCE_COLOR: '1' })).toContain(control)
})
