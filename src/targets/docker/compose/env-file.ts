/** Where an environment file sets a variable. */
export interface Assignment {
  /** 1-based. */
  line: number
  value: string
}

/** The last assignment of a variable in the text of an environment file. Nothing else of the text leaves this function. */
export function assignment(text: string, variable: string): Assignment | null {
  const found = text.split(/\r?\n/).flatMap((content, index) => {
    const match = /^\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*$/.exec(content)
    if (match?.[1] !== variable) return []
    const value = /^(["'])(.*)\1/.exec(match[2] ?? '')?.[2] ?? (match[2] ?? '').replace(/\s+#.*$/, '')
    return [{ line: index + 1, value }]
  })
  return found.at(-1) ?? null
}
