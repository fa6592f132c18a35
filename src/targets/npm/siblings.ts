import type { Check } from '../../model/check.ts'
import type { Release } from '../../model/release.ts'
import { oneLine } from '../../support/text.ts'
import type { NpmContext } from './context.ts'
import { inShort } from './failure.ts'
import type { TreePackage } from './install.ts'
import { deprecationOf, type Packument, publishedAt } from './packument.ts'
import { openRegistry } from './registry.ts'

/** Packages that are published by one command are so within this time of each other. */
const togetherMs = 10 * 60_000
const mostSiblings = 10

/**
 * Whether the candidate installs together with a sibling, a package of the same project, that came with the failed version: by its
 * number, its commit or its time of publishing. That is no proof that it is broken, so the check is unknown then.
 */
export async function siblingsCheck(
  { settings }: NpmContext,
  { details }: Release,
  own: Packument,
  tree: readonly TreePackage[],
  signal: AbortSignal
): Promise<Check[]> {
  const failed = typeof details?.instead_of === 'string' ? details.instead_of : null
  if (tree.length === 0 || !failed) return []
  const common = {
    id: 'siblings',
    title: 'No package of the project that came with the failed version is installed with it'
  }
  try {
    const found = await Promise.all(
      tree.slice(0, mostSiblings).map(async (one) => {
        const packument = await openRegistry({ ...settings, name: one.name }).packument(signal)
        return { ...one, why: whySuspect(one.version, packument, failed, own) }
      })
    )
    const shown = found.map(({ name, version, why }) => `${name}@${version}${why ? ` (${why})` : ''}`).join(', ')
    const suspect = found.some(({ why }) => why)
    return [{ ...common, status: suspect ? 'unknown' : 'pass', detail: oneLine(shown, 400) }]
  } catch (error) {
    signal.throwIfAborted()
    return [{ ...common, status: 'unknown', detail: inShort(error) }]
  }
}

function whySuspect(version: string, packument: Packument, failed: string, own: Packument): string | null {
  const manifest = packument.versions[version]
  const commit = own.versions[failed]?.gitHead
  const at = (from: Packument, one: string): number => Date.parse(publishedAt(from, one) ?? '')
  if (deprecationOf(manifest)) return 'deprecated'
  if (version === failed) return `the number of the failed ${failed}`
  if (commit && manifest?.gitHead === commit) return `from the commit of the failed ${failed}`
  return Math.abs(at(packument, version) - at(own, failed)) < togetherMs
    ? `published together with the failed ${failed}`
    : null
}
