import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandLineOf } from '../../src/cli/arguments.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const readme = read('README.md')
/** Each line of a shell block, without its comment. */
const lines = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
  .flatMap(([, block = '']) => block.split('\n'))
  .map((line) => line.replace(/\s+#.*$/, '').trim())
  .filter(Boolean)

describe('the shell commands in the README', () => {
  test('hold nothing that has to be replaced before they can be pasted', () => {
    expect(lines.length).toBeGreaterThan(12)
    expect(lines.filter((line) => /OWNER|\/path\/to|<|\.\.\./.test(line))).toEqual([])
  })

  test('of this program are taken by its command line as they stand', () => {
    const own = lines.filter((line) => line.startsWith('pop-deploy-rollback '))
    const commands = own.map((line) => {
      const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '')
      const parsed = commandLineOf(words.slice(1))
      return parsed.kind === 'command' ? parsed.command : parsed.kind
    })
    expect(commands.slice(0, 6)).toEqual(['init', 'watch', 'status', 'assess', 'rollback', 'rollback'])
  })

  test('of npm name scripts that there are, and install once', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const named = lines.flatMap((line) => /^npm run (\S+)/.exec(line)?.[1] ?? [])
    expect(named.filter((name) => !(name in scripts))).toEqual([])
    expect(lines.filter((line) => line.includes('npm ci'))).toEqual(['npm ci'])
  })

  test('lead to files and headings that there are', () => {
    const headings = new Set([...readme.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => anchorOf(title)))
    const anchors = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor)
    expect(anchors.filter((anchor) => !headings.has(anchor))).toEqual([])
    const files = [...readme.matchAll(/\]\(((?!https?:|#)[^)#]+)/g)].map(([, file = '']) => file)
    for (const file of files) expect(read(file).length, file).toBeGreaterThan(0)
  })
})

/** As GitHub makes it of a heading. */
const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replace(/ /g, '-')
