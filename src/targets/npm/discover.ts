import type { DiscoverAll, Found } from '../target.ts'
import { published, readManifest, workspacePackages } from './workspaces.ts'

/** A package.json that is not private names a package that is published, and so does each of the project's workspaces. */
export const discoverNpm: DiscoverAll = async (projectDir) => {
  const root = await readManifest(projectDir).catch(() => null)
  if (!root) return []
  const own: Found[] =
    root.name && root.version && !root.private
      ? [{ config: {}, because: `package.json names the package ${root.name}` }]
      : []
  const packages = published(await workspacePackages(projectDir))
  const alone = own.length === 0 && packages.length === 1
  const found = packages.map(({ name }) => ({
    ...(!alone && { name: targetName(name) }),
    config: { package: name },
    because: `a workspace of the project has the package ${name}`
  }))
  return [...own, ...found]
}

/** "npm-acme-core" for @acme/core. */
const targetName = (name: string): string =>
  `npm-${name.replace(/[^A-Za-z0-9_.-]/g, '-').replace(/^-/, '')}`.slice(0, 64)
