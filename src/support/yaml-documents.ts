/**
 * The documents of a YAML text as plain data. Left out is what is no YAML, a template for example, and what its aliases would make too
 * large (github.com/eemeli/yaml, `maxAliasCount`). Text that anybody may have written must be `isHarmlessYaml` first.
 */
export async function yamlDocuments(text: string): Promise<unknown[]> {
  const { parseAllDocuments } = await import('yaml')
  const documents = parseAllDocuments(text, { logLevel: 'silent', uniqueKeys: false })
  return (Array.isArray(documents) ? documents : []).flatMap((document) => {
    if (document.errors.length > 0) return []
    try {
      const value: unknown = document.toJS({ maxAliasCount: 100 })
      return [value]
    } catch {
      return []
    }
  })
}

const deepest = 100
const mostProperties = 200

/** Whether the parser reads it in a moment: with depth, and with many anchors or tags, it needs minutes, or ends the process. */
export function isHarmlessYaml(text: string): boolean {
  if (text.replace(/[^&!]/g, '').length > mostProperties) return false
  let open = 0
  for (const line of text.split(/\r?\n|\r/)) {
    if ((/^[ \t?:-]*/.exec(line)?.[0].length ?? 0) > 2 * deepest) return false
    for (const sign of line.replace(/[^[\]{}]/g, '')) {
      open = Math.max(0, open + (sign === '[' || sign === '{' ? 1 : -1))
      if (open > deepest) return false
    }
  }
  return true
}
