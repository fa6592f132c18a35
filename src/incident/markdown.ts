import { capTail, oneLine, plain } from '../support/text.ts'

/**
 * One line of text from outside, as Markdown that shows it literally: no markup, HTML, table cell, heading, list, mention or
 * reference begins in it. Escapes follow CommonMark 0.31 (2.4) and GitHub's tables.
 */
export const inline = (text: string, max = 400): string => literal(oneLine(text, max)).replace(opening, '$1\\$2')

/** Text of several lines that a caller wrote: paragraphs, lists and code spans stay, everything else is shown literally. */
export function paragraphs(text: string, max = 8000): string {
  const lines = plain(capTail(text, max)).replace(/\r\n?/g, '\n').trim().split('\n')
  return lines
    .map(line)
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
}

/** Text in a fence that nothing in it can close. */
export function fenced(text: string, max = 8000): string {
  const body = plain(capTail(text.replace(/\r\n?/g, '\n'), max)).trimEnd()
  const longest = Math.max(0, ...[...body.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(Math.max(3, longest + 1))
  return `${fence}text\n${body}\n${fence}`
}

/** A short word in a code span, for identities: hashes, ids. */
export function code(text: string): string {
  const word = oneLine(text, 120).replace(/`/g, "'").replace(/\|/g, '\\|')
  return word ? `\`${word}\`` : ''
}

/** One line of text from outside that may end with a command, "Manually: …", which stays as it is typed. */
export function withCommand(text: string, max = 2000): string {
  const whole = oneLine(text, max)
  const at = whole.indexOf('anually: ')
  if (at < 0 || whole.includes('`')) return inline(whole, max)
  const end = whole.endsWith('"') ? whole.length - 1 : whole.length
  return `${inline(whole.slice(0, at + 8), max)} \`${whole.slice(at + 9, end)}\`${whole.slice(end)}`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
}

/**
 * What a forge links or notifies by itself: addresses, @name, #12, !12, GH-12, team/app#12 (GitHub's "Autolinked references", GitLab's
 * "GitLab-specific references").
 */
const reference =
  /((?<![A-Za-z])[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\/[^\s`|]*[^\s`|.,;:!?)\]]|(?<![\w.])www\.[^\s`|]+|(?<![\w./-])[\w.-]{1,100}(?:\/[\w.-]{1,100}){0,5}[#!]\d+|(?<![\w`/])[@#]\w[\w/-]*|(?<!\w)!\d+|(?<!\w)GH-\d+)/i
/** What begins a list, heading or rule at the start of a block. */
const opening = /^(\d{1,9}(?=[.)]))?([-+#=.)](?=\s|$|[-+#=]))/

const entities: Record<string, string> = { '<': '&lt;', '>': '&gt;', '&': '&amp;' }

const literal = (text: string): string =>
  text
    .split(reference)
    .map((part, at) => (at % 2 ? `\`${part}\`` : escaped(part)))
    .join('')

const escaped = (text: string): string =>
  text
    .replace(/[\\`*~[\]|$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\$&')
    .replace(/[<>&]/g, (char) => entities[char] ?? char)

function line(text: string): string {
  const marker = /^\s{0,8}([-*]|\d{1,3}\.)\s+(?=\S)/.exec(text)?.[0] ?? ''
  const spans = text
    .slice(marker.length)
    .trim()
    .split(/(`[^`]+`)/)
  const shown = spans.map((span, at) => (at % 2 ? span : literal(span)))
  return marker + [shown[0]?.replace(opening, '$1\\$2'), ...shown.slice(1)].join('')
}
