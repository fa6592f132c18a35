import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { backtracking } from './regex/backtracking.ts'
import { expressionsOf } from './regex/expressions.ts'

const root = join(import.meta.dirname, '..')

/** Expressions that the check cannot decide, each with the reason why it is linear all the same. Mend an expression first. */
const known = new Map([
  [
    '-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\\s\\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)',
    'once begun it matches to the end of the key or of the text, so no character is read from two beginnings'
  ],
  [
    '(\\blogin\\s{1,8}\\S{1,200}\\s{1,8}(?:account\\s{1,8}\\S{1,200}\\s{1,8})?passw(?:or)?d\\s{1,8})\\S+',
    'every run before the last is bounded'
  ],
  [
    `<a\\b((?:[^<>"']|"[^"]*"|'[^']*')*)>([^<]*)<\\/a>`,
    'its parts are disjoint, and at most three beginnings can read on past a "<": one outside quotes, two inside either kind'
  ]
])

/** The expressions of these texts that may backtrack, one line each: where it is, what it is, and what makes it slow. */
export async function backtrackingIn(texts: ReadonlyMap<string, string>): Promise<string[]> {
  const places = new Map<string, { where: string; source: string; flags: string }>()
  for (const [file, text] of texts)
    for (const { source, flags, line } of expressionsOf(text, file))
      if (!known.has(source) && !places.has(`/${source}/${flags}`))
        places.set(`/${source}/${flags}`, { where: `${file}:${line}`, source, flags })
  const waiting = places.entries()
  const found: string[] = []
  const work = async (): Promise<void> => {
    for (const [shown, { where, ...expression }] of waiting) {
      const why = await backtracking(expression)
      if (why) found.push(`${where}: ${shown} is ${why}`)
    }
  }
  await Promise.all([work(), work()])
  return found.sort()
}

async function main(): Promise<void> {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts')
  )
  const found = await backtrackingIn(
    new Map(files.map((name) => [`src/${name}`, readFileSync(join(root, 'src', name), 'utf8')]))
  )
  console.log(found.length === 0 ? 'No regular expression backtracks.' : found.join('\n'))
  // the checker's own process would keep this one alive
  process.exit(found.length === 0 ? 0 : 1)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
