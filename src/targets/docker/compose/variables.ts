import { basename, dirname, join, resolve } from 'node:path'
import { readText } from '../../../support/read-text.ts'

/** Files that name each other are followed up to this many. */
const mostFiles = 50

/**
 * The variables of an environment that Compose may fill in: those whose name is a word in its files, in the files that these name, or in
 * the `.env` beside them. The others, such as the tokens of this server, are not given to it.
 */
export async function mentionedVariables(paths: readonly string[], env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const words = new Set<string>()
  const files = new Set(paths.flatMap((path) => [path, join(dirname(path), '.env')]))
  for (const path of files) {
    const text = await readText(path).catch(() => '')
    for (const [word] of text.matchAll(/\w+/g)) words.add(word)
    for (const [name] of text.matchAll(/[^\s"':,[\]{}=]+/g))
      if (/\.ya?ml$|env/i.test(basename(name)) && files.size < mostFiles) files.add(resolve(dirname(path), name))
  }
  return Object.fromEntries(Object.entries(env).filter(([name]) => words.has(name)))
}
