import { describe, expect, it } from 'vitest'
import { insertRecord } from '../../src/project/insert-record.ts'
import { popkitFile } from './fixtures.ts'

const record = { timestamp: '2026-03-18T14:35:00.000Z', note: 'a [ b, "{ ü\u2028', snapshot: { x: [1, {}], y: [] } }

/** What was put in, given that the rest must be there unchanged. */
function inserted(before: string, after: string): string {
  let start = 0
  while (start < before.length && before[start] === after[start]) start++
  const rest = before.length - start
  expect(after.endsWith(before.slice(start))).toBe(true)
  return after.slice(start, after.length - rest)
}

describe('insertRecord', () => {
  it.each([
    ['indented by two', JSON.stringify(popkitFile, null, 2)],
    ['indented by tabs', `${JSON.stringify(popkitFile, null, '\t')}\n`],
    ['with CRLF', `${JSON.stringify(popkitFile, null, 4).replace(/\n/g, '\r\n')}\r\n`],
    ['on one line', JSON.stringify(popkitFile)],
    ['on one line with spaces', '{"history": [{"a": 1}, {"b": 2}], "c": 3}'],
    ['with records on one line each', '{\n  "history": [\n    {"a": 1},\n    {"b": 2}\n  ]\n}\n'],
    ['with odd numbers and escapes', '{"x": 1.0e3, "y": "\\u00e9\\/", "z": 12345678901234567890, "history": [1]}'],
    ['without history', '{\n  "version": "1.0",\n  "ci": {\n    "history": []\n  }\n}\n'],
    ['without history, on one line', '{"a":{"history":[1]}}']
  ])('leaves all else in a file %s byte for byte as it was', (_, before) => {
    const after = insertRecord(before, record)
    const data = JSON.parse(before)
    expect(JSON.parse(after)).toEqual({ ...data, history: [record, ...(data.history ?? [])] })
    expect(Object.keys(JSON.parse(after)).slice(0, Object.keys(data).length)).toEqual(Object.keys(data))
    inserted(before, after)
  })

  it.each(['{}', '{ }', '{\n}\n', '{"history":[]}', '{"history": null, "a": 1}', '{\n  "history": [ ],\n  "a": 1\n}'])(
    'makes %j hold the record',
    (before) => expect(JSON.parse(insertRecord(before, record)).history).toEqual([record])
  )

  it('lays the record out as its neighbours are', () => {
    const added = { a: 1, b: { c: 2 } }
    expect(insertRecord('{"history":[{"z":1}]}', added)).toBe('{"history":[{"a":1,"b":{"c":2}},{"z":1}]}')
    expect(insertRecord('{"history": [{"z": 1}]}', added)).toBe('{"history": [{"a": 1, "b": {"c": 2}}, {"z": 1}]}')
    expect(insertRecord('{\r\n\t"history": [\r\n\t\t{\r\n\t\t\t"z": 1\r\n\t\t}\r\n\t]\r\n}', { a: 1 })).toBe(
      '{\r\n\t"history": [\r\n\t\t{\r\n\t\t\t"a": 1\r\n\t\t},\r\n\t\t{\r\n\t\t\t"z": 1\r\n\t\t}\r\n\t]\r\n}'
    )
  })

  it('writes what popkit itself would have written', () => {
    const before = JSON.stringify(popkitFile, null, 2)
    const added = { timestamp: 't', target: 'docker' }
    const expected = JSON.stringify({ ...popkitFile, history: [added, ...popkitFile.history] }, null, 2)
    expect(insertRecord(before, added)).toBe(expected)
  })

  it('takes the last of two keys, as every reader does', () => {
    const before = '{"history": [{"a": 1}], "history": [{"b": 2}]}'
    expect(JSON.parse(insertRecord(before, record)).history).toEqual([record, { b: 2 }])
  })

  it('writes characters beyond ASCII as escapes, for readers of another encoding', () => {
    expect(insertRecord('{}', { name: 'é💥' })).toMatch(/^[\n\x20-\x7e]*$/)
    expect(JSON.parse(insertRecord('{}', { name: 'é💥' })).history[0].name).toBe('é💥')
  })

  it('is not stopped by depth', () => {
    const deep = `{"x": ${'['.repeat(50_000)}${']'.repeat(50_000)}, "history": []}`
    expect(insertRecord(deep, { a: 1 })).toContain('"history": [{"a": 1}]')
  })
})
