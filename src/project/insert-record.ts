import { createScanner } from 'jsonc-parser'
import type { JsonObject } from '../model/json.ts'

// jsonc-parser's SyntaxKind is a const enum, which cannot be imported here
const token = { openBrace: 1, closeBrace: 2, openBracket: 3, closeBracket: 4, comma: 5, colon: 6, string: 10, end: 17 }

interface Spot {
  start: number
  end: number
}

interface Layout {
  /** Offset of the first key; of the closing brace when there is none. */
  first: number
  /** Where the last value ends; where the opening brace ends when there is none. */
  last: number
  empty: boolean
  history: Spot | null
}

/**
 * Takes strict JSON text of an object whose `history` is an array, null or missing; gives the text with the record first in it.
 * Everything else stays as it was written, byte for byte; the record is laid out as its neighbours are. (jsonc-parser's own `modify`
 * knows one layout, of two equal keys takes the first, and builds a tree of the whole history, which takes ten times as long.)
 */
export function insertRecord(text: string, record: JsonObject): string {
  const layout = layoutOf(text)
  const style = styleOf(text, layout)
  const { history } = layout
  if (!history) return addHistory(text, layout, style, record)
  const inner = /^\[(\s*)\S/.exec(text.slice(history.start, history.end))
  const firstAt = history.start + 1 + (inner?.[1]?.length ?? 0)
  if (text[history.start] !== '[' || text[firstAt] === ']')
    return splice(text, history, `[${style.element(record)}${style.close}]`)
  const lead = text.slice(history.start + 1, firstAt)
  const onLinesOfItsOwn = lead.includes('\n') && /^\{\s*\n/.test(text.slice(firstAt))
  const indent = lead.slice(lead.lastIndexOf('\n') + 1)
  const written = onLinesOfItsOwn ? pretty(record, style.unit, indent, style.eol) : style.inline(record)
  const gap = lead.includes('\n') ? lead : style.space
  return splice(text, { start: firstAt, end: firstAt }, `${written},${gap}`)
}

function addHistory(text: string, layout: Layout, style: Style, record: JsonObject): string {
  const property = `"history":${style.space}[${style.element(record)}${style.close}]`
  if (!layout.empty) return splice(text, { start: layout.last, end: layout.last }, `,${style.beforeKey}${property}`)
  return splice(text, { start: layout.last, end: layout.first }, `${style.beforeKey}${property}${style.afterKeys}`)
}

interface Style {
  unit: string
  eol: string
  space: string
  beforeKey: string
  afterKeys: string
  /** Between the last element and the bracket that closes the history. */
  close: string
  element(record: JsonObject): string
  inline(record: JsonObject): string
}

function styleOf(text: string, layout: Layout): Style {
  const before = text.slice(0, layout.first)
  const eol = text.includes('\r\n') ? '\r\n' : '\n'
  const onLines = layout.empty ? !text.trim().startsWith('{"') : /\n[ \t]*$/.test(before)
  const unit = (layout.empty ? '' : (/\n([ \t]*)$/.exec(before)?.[1] ?? '')) || '  '
  const space = onLines || /^"(?:[^"\\]|\\.)*"\s*: /.test(text.slice(layout.first)) ? ' ' : ''
  const inline = (record: JsonObject): string => (space ? spaced(record) : ascii(JSON.stringify(record)))
  if (!onLines) {
    const beforeKey = layout.empty ? '' : space
    return { unit, eol, space, beforeKey, afterKeys: '', close: '', element: inline, inline }
  }
  const element = (record: JsonObject): string => {
    const indent = unit + unit
    return eol + indent + pretty(record, unit, indent, eol)
  }
  return { unit, eol, space, beforeKey: eol + unit, afterKeys: eol, close: eol + unit, element, inline }
}

/** One pass over the tokens, without recursion; of a repeated key the last one counts, as in JSON.parse. */
function layoutOf(text: string): Layout {
  const scanner = createScanner(text, true)
  const layout: Layout = { first: -1, last: 0, empty: true, history: null }
  let depth = 0
  let name = ''
  let expectsValue = false
  let open: Spot | null = null
  for (let kind: number = scanner.scan(); kind !== token.end; kind = scanner.scan()) {
    const start = scanner.getTokenOffset()
    const end = start + scanner.getTokenLength()
    if (kind === token.closeBrace || kind === token.closeBracket) depth--
    if (depth === 0 && kind === token.closeBrace) return { ...layout, first: layout.empty ? start : layout.first }
    if (depth === 1 && expectsValue) {
      open = { start, end }
      expectsValue = false
      if (name === 'history') layout.history = open
    } else if (depth === 1 && kind === token.string) {
      name = scanner.getTokenValue()
      if (layout.empty) layout.first = start
      layout.empty = false
    } else if (depth === 1 && kind === token.colon) expectsValue = true
    if (depth === 1 && kind === token.comma) open = null
    else layout.last = end
    if (open) open.end = end
    if (kind === token.openBrace || kind === token.openBracket) depth++
  }
  return layout
}

const splice = (text: string, { start, end }: Spot, put: string): string => text.slice(0, start) + put + text.slice(end)

const pretty = (record: JsonObject, unit: string, indent: string, eol: string): string =>
  ascii(JSON.stringify(record, null, unit)).replace(/\n/g, eol + indent)

/** On one line, as Python's json writes it. */
const spaced = (value: JsonObject): string =>
  ascii(
    JSON.stringify(value, null, 1)
      .replace(/([[{])\n */g, '$1')
      .replace(/\n *([\]}])/g, '$1')
      .replace(/\n */g, ' ')
  )

/** Readable in whatever encoding another program takes the file for. */
const ascii = (json: string): string =>
  json.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
