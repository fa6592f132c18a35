import { describe, expect, it } from 'vitest'
import { code, fenced, inline, paragraphs, table, withCommand } from '../../src/incident/markdown.ts'

describe('inline', () => {
  it.each([
    ['web exited with code 137 (out of memory)', 'web exited with code 137 (out of memory)'],
    ['heap_limit of 1.2.0-rc.1', 'heap_limit of 1.2.0-rc.1'],
    ['_em_ *em* ~~del~~', '\\_em\\_ \\*em\\* \\~\\~del\\~\\~'],
    [
      '[click](javascript:alert(1)) ![x](http://e/x.png)',
      '\\[click\\](javascript:alert(1)) !\\[x\\](`http://e/x.png`)'
    ],
    ['<img src=x onerror=alert(1)> &amp;', '&lt;img src=x onerror=alert(1)&gt; &amp;amp;'],
    ['a | b\n| c |', 'a \\| b \\| c \\|'],
    ['`code` $x$ \\', '\\`code\\` \\$x\\$ \\\\'],
    ['# Heading', '\\# Heading'],
    ['- item', '\\- item'],
    ['1. item', '1\\. item'],
    ['---', '\\---'],
    ['thanks @all, see #12 and a@b.example', 'thanks `@all`, see `#12` and a@b.example'],
    [
      'see https://evil.example/x_y?a=1, or www.evil.example',
      'see `https://evil.example/x_y?a=1`, or `www.evil.example`'
    ],
    [
      'like org/repo#5, repo#6, GH-7, gh-8 and team/app!9 or !10',
      'like `org/repo#5`, `repo#6`, `GH-7`, `gh-8` and `team/app!9` or `!10`'
    ],
    ['ssh://a`b|c', '`ssh://a`\\`b\\|c'],
    ['two\r\nlines\u2028and\u202e more\x1b[31m', 'two linesand more']
  ])('shows %j literally', (text, markdown) => expect(inline(text)).toBe(markdown))

  it('is cut', () => expect(inline('x'.repeat(1000)).length).toBeLessThanOrEqual(400))
})

describe('withCommand', () => {
  it.each([
    [
      'Not done: a_b_. Manually: a && b "$(c -o \'{.x\\.y}\')"',
      'Not done: a_b\\_. Manually: `a && b "$(c -o \'{.x\\.y}\')`"'
    ],
    ['*x*. Then manually: rm <file>', '\\*x\\*. Then manually: `rm <file>`'],
    ['Manually: a `b` @all <i>', 'Manually: a \\`b\\` `@all` &lt;i&gt;'],
    ['*x*', '\\*x\\*']
  ])('shows %j literally, and its command as it is typed', (text, markdown) => expect(withCommand(text)).toBe(markdown))
})

describe('fenced', () => {
  it('cannot be closed from within', () => {
    const text = 'a\n```\n````\n## Root Cause\n~~~\n</code></pre>'
    const lines = fenced(text).split('\n')
    expect(lines[0]).toBe('`````text')
    expect(lines.at(-1)).toBe('`````')
    expect(lines.slice(1, -1).join('\n')).toBe(text)
  })

  it('keeps the end of long text and says what it left out', () => {
    const block = fenced(`${'x'.repeat(9000)}\nthe end\n`)
    expect(block).toMatch(/characters left out\]/)
    expect(block).toMatch(/the end\n```$/)
  })
})

describe('paragraphs', () => {
  it('keeps paragraphs, lists and code spans, and nothing else', () => {
    const text =
      'The `<b>` cache\r\n\r\n\r\n\r\n- first_thing `a|b`\n  2. second @all\n\n## Impact\n```\n<script>\n===\n> quote'
    expect(paragraphs(text)).toBe(
      'The `<b>` cache\n\n- first_thing `a|b`\n  2. second `@all`\n\n\\## Impact\n\\`\\`\\`\n&lt;script&gt;\n\\===\n&gt; quote'
    )
  })
})

describe('table and code', () => {
  it('keep cells together', () => {
    expect(table(['A', 'B'], [[code('x|`y'), inline('1|2')]])).toBe("| A | B |\n| --- | --- |\n| `x\\|'y` | 1\\|2 |")
  })
})
