const below = 'node_modules/'

/** The path of a module inside its `node_modules`, the same wherever the repository lies; nothing for the program's own modules. */
export function pathInPackages(id: string): string | undefined {
  // helpers that the bundler adds
  if (id.startsWith('\0rolldown/')) return id.slice(1)
  const path = id.replaceAll('\\', '/')
  const at = path.lastIndexOf(below)
  return at < 0 ? undefined : path.slice(at + below.length)
}

/** The name of the package that a module belongs to; nothing for the program's own modules. */
export function packageOf(id: string): string | undefined {
  const path = pathInPackages(id)
  return path
    ?.split('/')
    .slice(0, path.startsWith('@') ? 2 : 1)
    .join('/')
}

/** The folder of the package that a module belongs to. */
export function packageFolder(id: string): string | undefined {
  const path = pathInPackages(id)
  const name = packageOf(id)
  if (!path || !name) return undefined
  return id.startsWith('\0') ? `${below}${name}` : id.slice(0, id.length - path.length + name.length)
}
