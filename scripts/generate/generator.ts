import { applyEdits, type JSONPath, modify } from 'jsonc-parser'

/** What package.json and the plugin's own files say of the program, from which the rest is generated. */
export interface Identity {
  name: string
  version: string
  license: string
  description: string
  /** The account on GitHub, and the repository's name there. */
  owner: string
  repository: string
  /** What `/plugin install` takes: the plugin and its marketplace. */
  plugin: string
}

/** Writes a file, or its part of one that others write too. */
export interface Generator {
  /** The file's path in the repository. */
  file: string
  /** The whole text that the file should have, given the text that it has. */
  text(current: string, identity: Identity): string
}

/** Sets values in a JSON text and keeps the rest of it as it is written. */
export function withValues(json: string, values: [path: JSONPath, value: unknown][]): string {
  const formattingOptions = { insertSpaces: true, tabSize: 2 }
  return values.reduce(
    (text, [path, value]) => applyEdits(text, modify(text, path, value, { formattingOptions })),
    json
  )
}

/** Replaces what stands between `<!-- generated: <name> -->` and the next `<!-- /generated -->` in a Markdown text. */
export function withBlock(markdown: string, name: string, lines: string[]): string {
  const opening = `<!-- generated: ${name} -->\n`
  const start = markdown.indexOf(opening)
  const end = markdown.indexOf('<!-- /generated -->', start)
  if (start < 0 || end < 0)
    throw new Error(`There is no block "${name}". Add "${opening.trim()}" and "<!-- /generated -->".`)
  return `${markdown.slice(0, start)}${opening}${lines.join('\n')}\n${markdown.slice(end)}`
}
