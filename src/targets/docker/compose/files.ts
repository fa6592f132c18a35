import { readdir } from 'node:fs/promises'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import type { Document, LineCounter, Node, YAMLMap } from 'yaml'
import { z } from 'zod'
import { ConfigError } from '../../../support/errors.ts'
import { readText } from '../../../support/read-text.ts'
import { parseYaml, UnsafeYaml, yamlValue } from '../../../support/yaml-documents.ts'
import type { DockerContext } from '../context.ts'
import { composeFiles } from '../discover.ts'
import { isShort } from '../objects/reference.ts'

/** Where an image is written, variables unfilled. */
export interface Written {
  path: string
  /** 1-based. */
  line: number
  value: string
}

/** A Compose file that could be read. */
export interface ComposeFile {
  path: string
  name: string | null
  services: string[]
  /** Where a service's image is written, through anchors, merges and `extends`. */
  image(service: string): Promise<Written | null>
}

const fileSchema = z.looseObject({
  name: z.string().nullish(),
  services: z.record(z.string(), z.unknown()).nullish(),
  include: z.array(z.union([z.string(), z.looseObject({ path: z.union([z.string(), z.array(z.string())]) })])).nullish()
})

/** Files that include or extend each other may do so in a circle. */
const mostSteps = 10

/**
 * Reads the files that exist, and those that they include; those of another machine are passed over.
 * @throws ConfigError when one is not safe to parse.
 */
export async function readComposeFiles(paths: readonly string[], depth = 0): Promise<ComposeFile[]> {
  const files = await Promise.all(paths.map((path) => readComposeFile(path, depth)))
  return files.flat()
}

/** The files beside the first that Compose adds to it, of which it takes one (compose-go, DefaultOverrideFileNames). */
export const overrideFiles = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml'
]

/** The paths that Compose would read when it is called in the project's folder: the configured one, those of COMPOSE_FILE, or the usual. */
export async function composeFileSet({
  projectDir,
  config,
  env
}: Pick<DockerContext, 'projectDir' | 'config' | 'env'>): Promise<string[]> {
  if (config.compose_file) return [resolve(projectDir, config.compose_file)]
  const dotEnv = await readText(join(projectDir, '.env')).catch(() => '')
  const setting = (name: string): string | undefined => env[name] || assignment(dotEnv, name)?.value || undefined
  const named = setting('COMPOSE_FILE')
  if (named) return named.split(setting('COMPOSE_PATH_SEPARATOR') ?? delimiter).map((path) => resolve(projectDir, path))
  const present: string[] = await readdir(projectDir).catch(() => [])
  const first = (names: readonly string[]): string[] => names.filter((name) => present.includes(name)).slice(0, 1)
  const usual = first(composeFiles)
  return [...usual, ...(usual.length > 0 ? first(overrideFiles) : [])].map((name) => join(projectDir, name))
}

/** The images of services as they are written, variables unfilled; the last file decides. */
export async function writtenImages(paths: readonly string[]): Promise<Map<string, string | null>> {
  const images = new Map<string, string | null>()
  for (const file of await readComposeFiles(paths))
    for (const service of file.services)
      images.set(service, (await file.image(service))?.value ?? images.get(service) ?? null)
  return images
}

async function readComposeFile(path: string, depth: number): Promise<ComposeFile[]> {
  try {
    const text = await readText(path)
    const { LineCounter: Counter } = await import('yaml')
    const counter = new Counter()
    const [document] = await parseYaml(text, { lineCounter: counter })
    if (!document) return []
    const { name, services, include } = fileSchema.parse(yamlValue(document))
    const included = (include ?? []).flatMap((entry) => (typeof entry === 'string' ? entry : entry.path))
    const others =
      depth < mostSteps
        ? await readComposeFiles(
            included.map((other) => resolve(dirname(path), other)),
            depth + 1
          )
        : []
    const lookUp = await walker(document, counter)
    const image = (service: string): Promise<Written | null> => imageIn({ path, lookUp }, service, depth)
    return [...others, { path, name: name ?? null, services: Object.keys(services ?? {}), image }]
  } catch (error) {
    if (error instanceof UnsafeYaml) throw unsafe(path, error)
    if (error instanceof ConfigError) throw error
    return []
  }
}

const unsafe = (path: string, { message }: UnsafeYaml): ConfigError =>
  new ConfigError({
    what: `The Compose file ${path} was not read`,
    why: `it is not safe to parse: ${message}`,
    state: 'Nothing was changed.',
    next: 'Correct or remove the file, then try again.',
    code: 'unsafe_yaml'
  })

type LookUp = (service: string, ...keys: string[]) => { line: number; value: string } | null

async function imageIn(
  { path, lookUp }: { path: string; lookUp: LookUp },
  service: string,
  depth: number
): Promise<Written | null> {
  const own = lookUp(service, 'image')
  if (own) return { path, ...own }
  const base = lookUp(service, 'extends', 'service') ?? lookUp(service, 'extends')
  if (!base || depth >= mostSteps) return null
  const elsewhere = lookUp(service, 'extends', 'file')
  if (!elsewhere) return imageIn({ path, lookUp }, base.value, depth + 1)
  const files = await readComposeFile(resolve(dirname(path), elsewhere.value), depth + 1)
  return (await files.at(-1)?.image(base.value)) ?? null
}

/** Finds a text below a service, through aliases and merged maps, with the line where it is written. */
async function walker(document: Document, counter: LineCounter): Promise<LookUp> {
  const { isAlias, isMap, isScalar, isSeq } = await import('yaml')
  const resolved = (node: unknown): Node | undefined =>
    isAlias(node) ? node.resolve(document) : ((node ?? undefined) as Node | undefined)
  const child = (map: YAMLMap, key: string): Node | undefined => {
    const own = map.items.find((pair) => keyOf(pair.key) === key)
    if (own) return resolved(own.value)
    const merged = map.items.filter((pair) => keyOf(pair.key) === '<<').map((pair) => resolved(pair.value))
    const bases = merged.flatMap((node) => (isSeq(node) ? node.items.map(resolved) : [node]))
    for (const base of bases) {
      const found = isMap(base) ? child(base, key) : undefined
      if (found) return found
    }
    return undefined
  }
  const keyOf = (key: unknown): unknown => {
    if (!isScalar(key)) return key
    return typeof key.value === 'symbol' ? '<<' : key.value
  }
  return (...keys) => {
    let node: Node | undefined = resolved(document.contents)
    for (const key of ['services', ...keys]) node = isMap(node) ? child(node, key) : undefined
    if (!isScalar(node) || typeof node.value !== 'string' || !node.range || !isShort(node.value)) return null
    return { line: counter.linePos(node.range[0]).line, value: node.value }
  }
}

export const shortPath = (path: string): string => basename(path)

/** Where an environment file sets a variable. */
export interface Assignment {
  /** 1-based. */
  line: number
  value: string
}

/**
 * The last assignment of a variable in the text of an environment file, as Compose reads it (docs.docker.com/compose/how-tos/
 * environment-variables/variable-interpolation, "Env file syntax"). Nothing else of the text leaves this function.
 */
export function assignment(text: string, variable: string): Assignment | null {
  const found = text.split('\n').flatMap((content, index) => {
    const written = assignedTo(variable, content.trim())
    return written === null ? [] : [{ line: index + 1, value: unquoted(written) }]
  })
  return found.at(-1) ?? null
}

/** What a line assigns to a variable, as it is written; null for any other line. */
function assignedTo(variable: string, line: string): string | null {
  const rest = /^export\s/.test(line) ? line.slice('export'.length).trimStart() : line
  const value = rest.startsWith(variable) ? rest.slice(variable.length).trimStart() : ''
  return /^[=:]/.test(value) ? value.slice(1).trimStart() : null
}

function unquoted(written: string): string {
  const quote = written[0] ?? ''
  const end = quote === '"' || quote === "'" ? written.indexOf(quote, 1) : -1
  if (end > 0) return written.slice(1, end)
  const comment = written.search(/\s#/)
  return comment < 0 ? written : written.slice(0, comment).trimEnd()
}
