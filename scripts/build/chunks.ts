import { relative } from 'node:path'
import type { OutputChunk, OutputOptions, RolldownBuild } from 'rolldown'
import { root } from './bundling.ts'
import { packageOf, pathInPackages } from './package-of.ts'

/** Plugin directories hold back a file above this size. */
export const sizeLimit = 256 * 1024
/** A little less, for what the bundler adds. */
const partLimit = sizeLimit * 0.9

/** A module as it ends in the bundle, minified and without what is not used. */
interface Module {
  id: string
  size: number
  isEntry: boolean
  imports: Module[]
  importsOnUse: Module[]
  /** The entries and the modules imported on use that cannot be loaded without it. */
  users: Module[]
}

/**
 * Gives each module to a chunk by what needs it: every start, one entry, one target, or several. A start loads nothing that it does not
 * need, and no list of files is kept.
 */
export async function chunksByUse(bundle: RolldownBuild): Promise<OutputOptions> {
  const { output } = await bundle.generate({ preserveModules: true, minify: true, comments: false })
  const names = chunkNames(modulesOf(output.filter((file) => file.type === 'chunk')))
  return {
    codeSplitting: {
      minSize: 0,
      groups: [{ name: (id) => names.get(id) ?? null, debugName: 'by use', includeDependenciesRecursively: false }]
    },
    chunkFileNames: ({ name, facadeModuleId }) => `chunks/${facadeModuleId ? nameOf(facadeModuleId) : name}.mjs`
  }
}

/** The modules of a bundle that keeps each in a file of its own, linked with each other. */
function modulesOf(files: OutputChunk[]): Module[] {
  const byFile = new Map<string, Module>()
  for (const { fileName, facadeModuleId, moduleIds, code, isEntry } of files) {
    const id = facadeModuleId ?? moduleIds[0] ?? fileName
    byFile.set(fileName, { id, size: code.length, isEntry, imports: [], importsOnUse: [], users: [] })
  }
  const named = (names: string[]): Module[] => names.flatMap((name) => byFile.get(name) ?? [])
  for (const { fileName, imports, dynamicImports } of files)
    Object.assign(byFile.get(fileName) ?? {}, { imports: named(imports), importsOnUse: named(dynamicImports) })
  const modules = [...byFile.values()]
  const users = modules.flatMap((module) => (module.isEntry ? [module, ...module.importsOnUse] : module.importsOnUse))
  for (const user of new Set(users)) {
    const needed = new Set([user])
    // the set grows while it is walked
    for (const module of needed) for (const imported of module.imports) needed.add(imported)
    for (const module of needed) module.users.push(user)
  }
  return modules
}

/** Names of chunks by module. A module that is not in it has one user, and the bundler puts it in that one's file. */
function chunkNames(modules: Module[]): Map<string, string> {
  const entries = modules.filter(({ isEntry }) => isEntry).length
  const own = modules.filter(({ id }) => !packageOf(id))
  const direct = new Set(
    own.flatMap(({ imports, importsOnUse }) => [...imports, ...importsOnUse].map(({ id }) => ownerOf(id)))
  )
  const chunks = new Map<string, Module[]>()
  for (const module of modules.filter((module) => !isOnlyDefined(module))) {
    const name = chunkOf(module, entries, direct)
    chunks.set(name, [...(chunks.get(name) ?? []), module])
  }
  return new Map([...chunks].flatMap(([name, members]) => spread(name, members)))
}

function chunkOf({ id, users }: Module, entries: number, direct: Set<string>): string {
  const owner = ownerOf(id)
  const library = packageOf(id) !== undefined
  const started = users.filter(({ isEntry }) => isEntry)
  if (started.length === entries) return library ? 'libraries' : 'core'
  const [user = '', ...others] = new Set((started.length > 0 ? started : users).map(({ id }) => ownerOf(id)))
  if (others.length === 0 && users.some(({ id }) => isDefinition(id))) return 'definitions'
  if (others.length === 0) return library && users.some(({ id }) => !packageOf(id)) ? `${user}-libraries` : user
  if (library) return direct.has(owner) ? owner : 'shared-libraries'
  return owner === 'http' ? owner : 'shared'
}

/** The index.ts of a target's folder, which is loaded without the rest of the folder. */
const isDefinition = (id: string): boolean => /^src\/targets\/[^/]+\/index\.ts$/.test(pathOf(id))

/** Needed by a definition and nothing else. */
const isOnlyDefined = ({ users }: Module): boolean => users.length === 1 && users.every(({ id }) => isDefinition(id))

const nameOf = (facade: string): string => `${ownerOf(facade)}${isDefinition(facade) ? '-definition' : ''}`

/** The package of a module, its target's folder, or its folder in src/. */
function ownerOf(id: string): string {
  const name = packageOf(id)?.replace('@', '').replace('/', '-')
  return name ?? /^src\/(?:targets\/)?([^/.]+)/.exec(pathOf(id))?.[1] ?? 'shared'
}

/** The path of a module, the same wherever the repository lies. */
const pathOf = (id: string): string => pathInPackages(id) ?? relative(root, id).replaceAll('\\', '/')

/** Spreads what is too large for one file over several, in the order of its modules' paths. */
function spread(name: string, members: Module[]): [id: string, chunk: string][] {
  const total = members.reduce((sum, { size }) => sum + size, 0)
  const count = Math.ceil(total / partLimit)
  const users = new Set(members.flatMap((member) => member.users))
  if (count === 1 && users.size === 1 && [...users].every(({ id }) => ownerOf(id) === name)) return []
  let before = 0
  const ordered = members.sort((a, b) => (pathOf(a.id) < pathOf(b.id) ? -1 : 1))
  return ordered.map(({ id, size }) => {
    const part = 1 + Math.floor((before / total) * count)
    before += size
    return [id, count > 1 ? `${name}-${part}` : name]
  })
}
