import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { commandLineOf, folder } from '../../src/cli/arguments.ts'
import { commandNames, isCommand, options } from '../../src/cli/command-table.ts'
import { helpOf } from '../../src/cli/help.ts'

test.each([
  [['rolback'], '"rolback" is not a command; did you mean rollback?'],
  [['rollback', '--tagret', 'web'], 'there is no option "--tagret"; did you mean --target?'],
  [['-x'], 'there is no option "-x"'],
  [['rollback', '--to'], '--to needs a value: --to V'],
  [['rollback', '--to', '--auto'], '--to needs a value: --to V'],
  [['report', '--severity', 'P9'], '--severity takes P1 or P2 or P3 or P4, not "P9"'],
  [['record', '--status=done'], '--status takes success or failed, not "done"'],
  [['rollback', '--auto=yes'], '--auto takes no value'],
  [['assess', '--soak', '3'], 'assess does not take --soak'],
  [['status', 'web'], 'status takes no "web"']
])('%j says what is wrong in its own words', (args, why) => {
  expect(() => commandLineOf(args)).toThrow(expect.objectContaining({ code: 'usage', why }))
})

test('values may begin with a dash behind an equals sign, and -C names the project', () => {
  expect(commandLineOf(['report', '--notes=- first', '-C', 'shop'])).toMatchObject({
    command: 'report',
    flags: { notes: '- first', directory: 'shop' }
  })
  expect(folder('/', tmpdir())).toBe(tmpdir())
  expect(() => folder('/', 'no-such-folder')).toThrow(expect.objectContaining({ code: 'usage' }))
})

test.each([
  [['-v'], { kind: 'version' }],
  [[], { kind: 'help' }],
  [['help', 'watch'], { kind: 'help', command: 'watch' }],
  [['watch', '-h'], { kind: 'help', command: 'watch' }]
])('%j', (args, line) => {
  expect(commandLineOf(args)).toEqual(line)
})

test('the help of a command names each option that it takes, and an example that it takes', () => {
  for (const name of commandNames.filter(isCommand)) {
    const text = helpOf(name)
    for (const [option] of text.matchAll(/--[a-z-]+/g)) expect(Object.keys(options)).toContain(option.slice(2))
    const [, example = ''] = /^For example: pop-deploy-rollback (.*)$/m.exec(text) ?? []
    const words = [...example.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '')
    expect(commandLineOf(words)).toMatchObject({ kind: 'command', command: name })
  }
})
