import { describe, expect, it } from 'vitest'
import { parseYaml, UnsafeYaml, yamlDocuments, yamlValue } from '../../src/support/yaml-documents.ts'

describe('the reader of YAML', () => {
  it.each([
    ['sequences in sequences', '- '.repeat(100_000)],
    ['keys of keys', '? '.repeat(100_000)],
    ['keys of keys after text', `a: [${'? '.repeat(100_000)}`],
    ['opened brackets', '['.repeat(200_000)],
    ['opened braces', '{'.repeat(200_000)],
    ['closed brackets', ']'.repeat(200_000)],
    ['commas', `[${','.repeat(200_000)}`],
    ['commas on lines of their own', `[${',\n'.repeat(100_000)}`],
    ['collections without commas', `a: ${'[]'.repeat(90_000)}`],
    ['anchors', '&a '.repeat(60_000)],
    ['anchors on lines of their own', 'a: [&a\n'.repeat(60_000)],
    ['tags', `a: ${'!a '.repeat(60_000)}`],
    ['mappings in mappings', Array.from({ length: 600 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    ['more than it may have', ' '.repeat(1_000_001)]
  ])('refuses a text of nothing but %s', async (_, text) => {
    const refusal: unknown = await parseYaml(text).then(
      () => null,
      (error: unknown) => error
    )
    expect(refusal).toBeInstanceOf(UnsafeYaml)
  })

  it('leaves out what its aliases would make too large', async () => {
    const bomb = [...'bcdefghi'].map((to, at) => `${to}: &${to} [${Array(9).fill(`*${'abcdefgh'[at]}`)}]\n`).join('')
    expect(await yamlDocuments(`a: &a [ha]\n${bomb}---\nb: 1\n`)).toEqual([{ b: 1 }])
  })

  it('reads anchors, aliases and merge keys, and shell in a long script', async () => {
    const script = 'test ! -f a && [ "$b" != c ] && echo {,,} [x]\n'
    const text = `x: &x {a: 1}\ny: {<<: *x, b: 2}\nz: |\n${`  ${script}`.repeat(400)}`
    const [document] = await parseYaml(text)
    expect(yamlValue(document)).toEqual({ x: { a: 1 }, y: { a: 1, b: 2 }, z: script.repeat(400) })
  })
})
