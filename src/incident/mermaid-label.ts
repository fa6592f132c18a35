import { plain } from '../support/text.ts'

/** At 11 px, what fits beside a bar in the middle of a page. */
const longest = 50

/**
 * Text for a Mermaid chart, without Mermaid's special characters. What is too long loses the paths of its names first (`shop:1.1.0` of
 * `registry.example.com/team/shop:1.1.0`), then whole words at its end. Where a label begins with a word of ours, it begins with no
 * keyword of Mermaid.
 * @param after a short text that is never cut.
 */
export function mermaidLabel(text: string, after = ''): string {
  const words = plain(text).split(/\s+/).filter(Boolean).map(shortHash)
  const max = longest - after.length
  const whole = allowed(words.join(' '))
  const fits = whole.length <= max ? whole : cut(allowed(words.map(lastPart).join(' ')), max)
  return `${fits || 'unnamed'}${after}`
}

const lastPart = (word: string): string => word.slice(word.lastIndexOf('/') + 1)

/** An image id or a commit as people write it. */
const shortHash = (word: string): string => word.replace(/^(?:sha256:)?([0-9a-f]{12})[0-9a-f]{20,60}(?![0-9a-f])/, '$1')

const allowed = (text: string): string =>
  text
    .replace(/[^\p{L}\p{N} .,_/+-]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()

/** Whole words, but for one that is too long by itself. */
function cut(text: string, max: number): string {
  if (text.length <= max) return text
  const fits = text.slice(0, max)
  const space = fits.lastIndexOf(' ')
  const end = space > max / 3 ? space : max - 1
  const kept = fits.slice(0, end).trimEnd()
  return `${kept.endsWith(',') ? kept.slice(0, -1) : kept}…`
}
