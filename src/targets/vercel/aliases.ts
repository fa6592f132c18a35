import { RollbackError } from '../../support/errors.ts'
import type { Vercel } from './api.ts'

/**
 * Names that someone pointed at a deployment (`vercel alias set`): neither domains of the project nor given to it when it was built, so
 * an instant rollback leaves them. null where Vercel does not tell.
 */
export async function addedAliases(
  vercel: Vercel,
  id: string,
  domains: readonly string[],
  signal: AbortSignal
): Promise<string[] | null> {
  try {
    const [names, one] = await Promise.all([vercel.aliasesOf(id, signal), vercel.readDeployment(id, signal)])
    const { url, alias, automaticAliases, userAliases } = one ?? {}
    const built = (alias ?? []).filter((name) => !userAliases?.includes(name))
    const moved = new Set([...domains, url, ...built, ...(automaticAliases ?? [])])
    return names.filter((name) => !moved.has(name)).sort()
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof RollbackError) return null
    throw error
  }
}
