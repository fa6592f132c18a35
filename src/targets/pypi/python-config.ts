export type Sections = Map<string, Map<string, string>>

/** Reads what Python's configparser reads: pip.conf, .pypirc. Names of fields in lower case; a value may go on in indented lines. */
export function pythonConfig(text: string): Sections {
  const sections: Sections = new Map()
  let fields: Map<string, string> | undefined
  let field = ''
  for (const line of text.replace(/^\ufeff/, '').split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) continue
    const section = /^\[([^\]]+)\]/.exec(line)?.[1]
    const [, name, value] = /^([^\s=:][^=:]*)[=:](.*)$/.exec(line) ?? []
    if (section !== undefined) {
      fields = sections.get(section) ?? new Map()
      sections.set(section, fields)
      field = ''
    } else if (/^\s/.test(line) && field !== '') {
      fields?.set(field, `${fields.get(field) ?? ''}\n${line.trim()}`.trim())
    } else if (name !== undefined && value !== undefined) {
      field = name.trim().toLowerCase()
      fields?.set(field, value.trim())
    }
  }
  return sections
}
