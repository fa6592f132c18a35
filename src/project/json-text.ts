import { isUtf8 } from 'node:buffer'
import { findNodeAtLocation, type ParseError, parse, parseTree, printParseErrorCode } from 'jsonc-parser'
import { ConfigError } from '../support/errors.ts'

const bom = '\uFEFF'

/** The text of a JSON file, without the byte order mark that some editors put first. */
export interface JsonText {
  bom: boolean
  text: string
}

/** Takes a file's bytes. @throws ConfigError when they are not UTF-8, for writing them back would destroy them. */
export function decodeJson(path: string, bytes: Buffer): JsonText {
  if (!isUtf8(bytes)) throw unusable(path, 'it is not UTF-8 text', 'Save it as UTF-8')
  const whole = bytes.toString('utf8')
  return whole.startsWith(bom) ? { bom: true, text: whole.slice(1) } : { bom: false, text: whole }
}

export const encodeJson = (json: JsonText): string => (json.bom ? bom : '') + json.text

/** Takes strict JSON, comments and trailing commas being faults. @throws ConfigError with line and column of the first fault. */
export function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (!text.trim()) throw unusable(path, 'it is empty', 'Write {} into it or remove it', cause)
    const fault = firstFault(text)
    // What JSON.parse says quotes the text, which may hold a secret.
    const where = fault ? `: ${fault.what} at ${lineAndColumn(text, fault.offset)}` : ''
    throw unusable(path, `it is not valid JSON${where}`, 'Correct it there', cause)
  }
}

/** Line and column of the value at a JSON path, for a sentence; empty when the path leads nowhere. */
export function placeOf(text: string, path: readonly (string | number)[]): string {
  const tree = parseTree(text)
  const node = tree && findNodeAtLocation(tree, [...path])
  return node ? lineAndColumn(text, node.offset) : ''
}

/** A JSON path as people write it: `targets.web.config["a b"][0]`. */
export const printPath = (path: readonly PropertyKey[]): string =>
  path
    .map((part) =>
      typeof part === 'number'
        ? `[${part}]`
        : /^[\w-]+$/.test(String(part))
          ? `.${String(part)}`
          : JSON.stringify([part])
    )
    .join('')
    .replace(/^\./, '')

/** A ConfigError about a file that is left as it is. */
export const unusable = (path: string, why: string, next: string, cause?: unknown): ConfigError =>
  new ConfigError({
    what: `${path} cannot be used`,
    why,
    state: 'Nothing was changed, the file is as it was.',
    next: `${next}, then try again.`,
    code: 'deploy_file_broken',
    cause
  })

function firstFault(text: string): { what: string; offset: number } | null {
  const faults: ParseError[] = []
  try {
    parse(text, faults, { disallowComments: true, allowTrailingComma: false })
  } catch {
    return null
  }
  const first = faults[0]
  return first ? { what: wordsOf(printParseErrorCode(first.error)), offset: first.offset } : null
}

const wordsOf = (code: string): string =>
  code.replace(/[A-Z]/g, (letter, at: number) => (at ? ' ' : '') + letter.toLowerCase())

function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/)
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
}
