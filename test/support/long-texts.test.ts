import { expect, test } from 'vitest'
import { proxyAgent } from '../../src/http/proxy.ts'
import { fenced } from '../../src/incident/markdown.ts'
import { migrationsAmong } from '../../src/project/migrations.ts'
import { hiddenByShape, withoutShapes } from '../../src/support/mask/shapes.ts'
import { guardsNothing, kindOf } from '../../src/support/mask/variables.ts'
import { addressesFrom } from '../../src/targets/github-releases/address.ts'
import { seriesOf } from '../../src/targets/github-releases/names.ts'
import { tagOf } from '../../src/targets/kubernetes/objects/image-name.ts'
import { personName } from '../../src/targets/npm/packument.ts'

// An expression that backtracks takes minutes for these.
const many = 1_000_000
const long = (text: string): string => text.repeat(many / text.length)

test('a fence holds a text with a long run of blanks', () => {
  expect(fenced(`${long('\t')}x`, many * 2)).toContain('x\n```')
})

test.each([
  ['/prisma/migrations/a'],
  ['/alembic/versions/a'],
  ['/migrations/a'],
  ['/drizzle/a'],
  ['/changelog/a'],
  ['/liquibase/a']
])('a path of many folders %s is no migration', (folders) => {
  expect(migrationsAmong([{ path: long(folders), change: 'added' }])).toEqual([])
})

test('a name of many numbers is no migration of Alembic', () => {
  expect(migrationsAmong([{ path: `versions/0${long('_000000000000__')}`, change: 'added' }])).toEqual([])
})

test('a secret that ends in blanks is found', () => {
  expect(hiddenByShape(`password="${long(' ')}x"`)).toEqual(['x'])
})

test('a text of many short lines without a command stays as it is', () => {
  const text = long('a\r')
  expect(withoutShapes(text)).toBe(text)
})

test('long values and names of variables are told apart', () => {
  expect(guardsNothing(`0.0+${long('v')}+`)).toBe(false)
  expect(kindOf(`${long('_EXPIR')}-X`)).toBe(kindOf('_X'))
})

test('the path of an address may hold many slashes', () => {
  expect(addressesFrom(`https://git.example.com${long('/')}x/`, 'x').host).toBe('git.example.com')
})

test('a tag of many digits is of no series', () => {
  expect(seriesOf(long('0'))).toBe('')
})

test('an image with many @ has no tag', () => {
  expect(tagOf(`web${long('@')}\n`)).toBeNull()
})

test('the name of a person ends before the address', () => {
  expect(personName(`Ann${long('\t')}x <ann@example.com>`)).toMatch(/x$/)
})

test('a proxy that is none is named without its login', () => {
  expect(() => proxyAgent({ HTTPS_PROXY: `${long('://')}\n` })).toThrow('The proxy')
  expect(() => proxyAgent({ HTTPS_PROXY: 'ftp://user:pa://ss@host' })).toThrow('The proxy')
})
