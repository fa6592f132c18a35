import { partsByShape } from './parts.ts'
import { isMixed, kindOf } from './variables.ts'

/**
 * What may be a secret among the arguments of a command, of which a shell's line is one, too: what follows an option named after one,
 * what a shape shows, and words that look generated.
 */
export function secretsIn(list: readonly string[]): string[] {
  const words = list.flatMap((argument) => argument.split(/[\s"'`;|&()<>]+/)).filter((word) => word !== '')
  return [
    ...partsByShape(list.join(' ')).map(({ text }) => text),
    ...words.flatMap((word, index) => {
      const [, name = '', value] = /^-{0,2}([A-Za-z_][\w.-]*)(?:[=:](.+))?$/.exec(word) ?? []
      const isNamed = value !== undefined || word.startsWith('-')
      if (!isNamed || kindOf(name) !== 'secret') return (value ?? word).split(/[=,]/).filter(looksGenerated)
      const next = words[index + 1] ?? ''
      return value ?? (word.startsWith('-') && !next.startsWith('-') ? next : '')
    })
  ]
}

/** The lists of arguments in plain data, such as the checks of a pod. */
export function commandsIn(data: unknown): string[][] {
  if (!data || typeof data !== 'object') return []
  const inner: unknown[] = Object.values(data)
  const list = inner.filter((value) => typeof value === 'string')
  return [...(Array.isArray(data) && list.length > 0 ? [list] : []), ...inner.flatMap(commandsIn)]
}

const looksGenerated = (word: string): boolean => isMixed(word) && !/^[-$./]|\//.test(word)
