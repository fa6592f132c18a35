import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { parseOutsideJson } from '../../support/nesting.ts'
import { readText } from '../../support/read-text.ts'
import { yamlDocuments } from '../../support/yaml-documents.ts'

/** A package.json, as far as it matters here. */
export const manifestSchema = z.looseObject({
  name: z.string().optional(),
  version: z.string().optional(),
  private: z.boolean().optional(),
  publishConfig: z.record(z.string(), z.unknown()).optional(),
  workspaces: z.unknown().optional()
})

export type PackageManifest = z.infer<typeof manifestSchema>

const patternsSchema = z.array(z.string()).catch([])
const listsSchema = z.looseObject({ packages: patternsSchema }).catch({ packages: [] })

const mostFolders = 2000
const mostPackages = 300
const deepest = 4

/**
 * The packages of a project's workspaces, as npm and yarn (`workspaces` of package.json), pnpm (pnpm-workspace.yaml) and lerna
 * (lerna.json) list them; changesets reads the same. Links are not followed.
 */
export async function workspacePackages(projectDir: string): Promise<PackageManifest[]> {
  const root = await readManifest(projectDir).catch(() => null)
  const [pnpm] = await yamlDocuments(await textOf(join(projectDir, 'pnpm-workspace.yaml'))).catch(() => [])
  const lerna = await jsonOf(join(projectDir, 'lerna.json'))
  const own = Array.isArray(root?.workspaces) ? { packages: root.workspaces } : root?.workspaces
  const patterns = [own, pnpm, lerna].flatMap((one) => listsSchema.parse(one).packages)
  if (patterns.length === 0) return []
  const folders = (await foldersBelow(projectDir)).filter((folder) => isListed(folder, patterns)).slice(0, mostPackages)
  const found = await Promise.all(folders.map((folder) => readManifest(join(projectDir, folder)).catch(() => null)))
  return found.filter((one) => one !== null)
}

/** Packages of workspaces that are published. */
export const published = (packages: readonly PackageManifest[]): (PackageManifest & { name: string })[] =>
  packages.flatMap((one) => (one.private || !one.name || !one.version ? [] : [{ ...one, name: one.name }]))

/** @throws Error when there is none, or it is none. */
export const readManifest = async (folder: string): Promise<PackageManifest> =>
  manifestSchema.parse(parseOutsideJson((await readText(join(folder, 'package.json'))).replace(/^\ufeff/, '')))

const textOf = (path: string): Promise<string> => readText(path).catch(() => '')

async function jsonOf(path: string): Promise<unknown> {
  try {
    return parseOutsideJson(await readText(path))
  } catch {
    return null
  }
}

/** "packages/core", and every other folder that may hold a package. */
async function foldersBelow(projectDir: string): Promise<string[]> {
  const found: string[] = []
  let level = ['']
  for (let depth = 0; depth < deepest && level.length > 0; depth++) {
    const next: string[] = []
    for (const folder of level) {
      const entries = await readdir(join(projectDir, folder), { withFileTypes: true }).catch(() => [])
      for (const entry of entries)
        if (entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.'))
          next.push(folder ? `${folder}/${entry.name}` : entry.name)
      if (found.length + next.length > mostFolders) break
    }
    found.push(...next)
    level = next
  }
  return found.sort()
}

/** The last pattern that fits decides; one with `!` leaves out. */
function isListed(folder: string, patterns: readonly string[]): boolean {
  let listed = false
  for (const pattern of patterns) {
    const excludes = pattern.startsWith('!')
    const parts = pattern
      .slice(excludes ? 1 : 0, 200)
      .split('/')
      .filter((part) => part !== '' && part !== '.')
    if (fitsAll(parts, folder.split('/'))) listed = !excludes
  }
  return listed
}

/** `**` stands for any number of folders. */
function fitsAll([part, ...parts]: readonly string[], names: readonly string[]): boolean {
  const [name, ...rest] = names
  if (part === undefined) return name === undefined
  if (part === '**') return fitsAll(parts, names) || (name !== undefined && fitsAll([part, ...parts], rest))
  return name !== undefined && fits(part, name) && fitsAll(parts, rest)
}

/** `*` stands for any text within a name; so do the alternatives of braces, which are rare. */
function fits(part: string, name: string): boolean {
  const [first = '', ...more] = part.replace(/\{[^{}]{0,200}\}/, '*').split('*')
  if (more.length === 0) return name === first
  if (!name.startsWith(first)) return false
  let at = first.length
  const last = more.pop() ?? ''
  for (const text of more) {
    const found = name.indexOf(text, at)
    if (found < 0) return false
    at = found + text.length
  }
  return name.length - last.length >= at && name.endsWith(last)
}
