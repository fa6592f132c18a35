import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Cuts GitHub's OpenAPI document down to the operations that the tests' GitHub server answers: paths, parameters and shapes, no prose.
 * By hand, when the API moves: `npm pack @octokit/openapi` somewhere, unpack it (400 MB, so it is no dependency), then
 * `npx tsx scripts/github-openapi.ts <folder>/package/generated/api.github.com.json <version of the package>`.
 */
const operations: [string, string][] = [
  ['/repos/{owner}/{repo}', 'get'],
  ['/repos/{owner}/{repo}/tags', 'get'],
  ['/repos/{owner}/{repo}/releases', 'get'],
  ['/repos/{owner}/{repo}/releases/latest', 'get'],
  ['/repos/{owner}/{repo}/releases/{release_id}', 'get'],
  ['/repos/{owner}/{repo}/releases/{release_id}', 'patch'],
  ['/repos/{owner}/{repo}/releases/assets/{asset_id}', 'get'],
  ['/repos/{owner}/{repo}/commits/{ref}', 'get'],
  ['/repos/{owner}/{repo}/contents/{path}', 'get'],
  ['/repos/{owner}/{repo}/compare/{basehead}', 'get'],
  ['/repos/{owner}/{repo}/actions/runs', 'get']
]

const prose = new Set([
  'description',
  'summary',
  'examples',
  'example',
  'title',
  'tags',
  'operationId',
  'externalDocs',
  'format'
])

type Node = { [key: string]: unknown }

const [source, version] = process.argv.slice(2)
if (!source || !version) throw new Error('usage: github-openapi.ts <api.github.com.json> <version>')
const whole = JSON.parse(await readFile(source, 'utf8')) as { paths: Record<string, Node>; components: Node }

const paths: Record<string, Node> = {}
for (const [path, method] of operations) {
  const operation = whole.paths[path]?.[method]
  if (!operation) throw new Error(`${method} ${path} is not in the document`)
  paths[path] = { ...paths[path], [method]: bare(operation) }
}
const components: Node = {}
const wanted = referencesIn(paths)
for (const reference of wanted) {
  const [kind = '', name = ''] = reference.replace('#/components/', '').split('/')
  const value = bare((whole.components[kind] as Node)[name])
  components[kind] = { ...(components[kind] as Node), [name]: value }
  for (const further of referencesIn(value)) wanted.add(further)
}

const target = join(fileURLToPath(new URL('.', import.meta.url)), '../test/fakes/github/openapi.json')
await writeFile(target, `${JSON.stringify({ 'x-source': `@octokit/openapi ${version}, MIT`, paths, components })}\n`)

/** Without what only explains. */
function bare(value: unknown, named = false): unknown {
  if (Array.isArray(value)) return value.map((inner) => bare(inner))
  if (!value || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => named || !(prose.has(key) || key.startsWith('x-')))
      .map(([key, inner]) => [key, bare(inner, key === 'properties' && !named)])
  )
}

function referencesIn(value: unknown): Set<string> {
  const found = JSON.stringify(value).matchAll(/"\$ref":"(#\/components\/[^"]+)"/g)
  return new Set([...found].flatMap(([, reference]) => (reference ? [reference] : [])))
}
