import { expect, test } from 'vitest'
import { backtrackingIn } from '../../scripts/regex.ts'

const foundIn = (text: string) => backtrackingIn(new Map([['some.ts', text]]))

test('the check names a literal that backtracks, with its place and the text that makes it slow', async () => {
  const [found, ...more] = await foundIn('const good = /^a+$/\nconst bad = /^(a+)+$/\n')
  expect(more).toEqual([])
  expect(found).toMatch(/^some\.ts:2: \/\^\(a\+\)\+\$\/ is exponential on 'a'/)
})

test('the check names an expression that is made of a string', async () => {
  expect(await foundIn("const bad = new RegExp('\\\\s+$', 'g')")).toEqual([
    expect.stringContaining('some.ts:1: /\\s+$/g is 2nd degree polynomial')
  ])
})

test('the check passes expressions that are linear', async () => {
  expect(await foundIn("const a = /^\\w{1,40}:\\d+$/\nconst b = RegExp('^[a-z]+$', 'i')\nconst c = 4 / 2 / 1")).toEqual(
    []
  )
})
