import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Generator } from './generate/generator.ts'
import { identityFrom } from './generate/identity.ts'
import { ofIdentity } from './generate/of-identity.ts'
import { ofTargets } from './generate/of-targets.ts'

const root = join(import.meta.dirname, '..')

/** Everything in the repository that is generated and committed, `dist/` apart. Several may write parts of one file, in this order. */
export const generators: Generator[] = [...ofIdentity, ...(await ofTargets())]

/** The files whose text differs from what is generated, with the text that they should have. */
export function outdated(read = (file: string) => readFileSync(join(root, file), 'utf8')): Map<string, string> {
  const identity = identityFrom(read)
  const texts = new Map<string, string>()
  for (const { file, text } of generators) texts.set(file, text(texts.get(file) ?? read(file), identity))
  return new Map([...texts].filter(([file, text]) => text !== read(file)))
}

function main(check: boolean): void {
  const texts = outdated()
  const files = [...texts.keys()].join(', ')
  if (texts.size === 0) console.log('All generated files are up to date.')
  else if (check) {
    console.error(`Out of date: ${files}. Run npm run generate and commit them.`)
    process.exitCode = 1
  } else {
    for (const [file, text] of texts) writeFileSync(join(root, file), text)
    console.log(`Generated: ${files}`)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.includes('--check'))
