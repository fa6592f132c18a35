import type { Document, LineCounter } from 'yaml'

/** A text that the parser may need minutes for, or that may end the process; the message says what of it. */
export class UnsafeYaml extends Error {}

interface YamlOptions {
  /** The most characters of the text. */
  most?: number
  /** Takes the place of each line. */
  lineCounter?: LineCounter
}

/**
 * The documents of a YAML text that anybody may have written, with the merge keys that Compose knows.
 * @throws UnsafeYaml when it is not safe to parse.
 */
export async function parseYaml(
  text: string,
  { most = 1_000_000, lineCounter }: YamlOptions = {}
): Promise<Document[]> {
  const why = text.length > most ? `it has more than ${most} characters` : whyUnsafe(text)
  if (why) throw new UnsafeYaml(why)
  const { parseAllDocuments } = await import('yaml')
  const options = { logLevel: 'silent', prettyErrors: false, uniqueKeys: false, merge: true } as const
  const documents = parseAllDocuments(text, lineCounter ? { ...options, lineCounter } : options)
  return Array.isArray(documents) ? documents : []
}

/** A document as plain data. @throws Error when it is no YAML, or its aliases would make it too large (`maxAliasCount`). */
export function yamlValue(document: Document | undefined): unknown {
  const fault = document?.errors[0]
  if (fault) throw fault
  return document?.toJS({ maxAliasCount: 100 })
}

/**
 * The documents of a YAML text as plain data. Left out is what is no YAML, a template for example, and what its aliases would make too
 * large. @throws UnsafeYaml when it is not safe to parse.
 */
export async function yamlDocuments(text: string, most?: number): Promise<unknown[]> {
  return (await parseYaml(text, most === undefined ? {} : { most })).flatMap((document) => {
    try {
      return [yamlValue(document)]
    } catch {
      return []
    }
  })
}

const deepest = 100
const mostProperties = 200
const mostStray = 5000

/** Depth, anchors or tags in a row, and signs of flow collections without one cost the parser time with the square of their number. */
function whyUnsafe(text: string): string | null {
  let open = 0
  let stray = 0
  let last = ''
  for (const line of text.split(/\r?\n|\r/)) {
    if ((/^[ \t?:-]*/.exec(line)?.[0].length ?? 0) > 2 * deepest || (line.match(/\?(?=\s)/g)?.length ?? 0) > deepest)
      return tooDeep
    if ((line.match(/[&!]/g)?.length ?? 0) > mostProperties)
      return `a line has more than ${mostProperties} anchors or tags`
    for (const part of line.match(/[[\]{},]|[^\s[\]{},]+/g) ?? []) {
      if (isStray(part, last, open)) stray++
      if (opens.has(part)) open++
      else if (closes.has(part)) open = Math.max(0, open - 1)
      if (open > deepest) return tooDeep
      if (stray > mostStray) return `it has more than ${mostStray} stray brackets or commas`
      last = part
    }
  }
  return null
}

const tooDeep = `it is nested deeper than ${deepest} levels`
const opens = new Set(['[', '{'])
const closes = new Set([']', '}'])

/** A comma after a comma, a collection right after another, an end without a beginning. */
function isStray(part: string, last: string, open: number): boolean {
  if (part === ',') return last === ','
  return opens.has(part) ? closes.has(last) : closes.has(part) && open === 0
}
