import type { Risk } from '../../../../model/observation.ts'
import { quote } from '../../../../support/quote.ts'
import { byteSize } from '../../../../support/text.ts'
import type { DockerContext } from '../../context.ts'
import { baseName } from '../../objects/names.ts'
import type { Container } from '../../objects/schemas.ts'
import { type OwnPath, ownFiles } from '../recreate/copied-in.ts'
import { keptBy } from '../steps/keep-data.ts'

const mostShown = 8
/** Databases, and where programs keep what users gave them; all else is named and kept, too, but needs no consent. */
const data =
  /\.(?:sqlite3?|db3?|mdb|rdb|aof|sst)(?:-wal|-shm|-journal)?$|\/(?:data|uploads?|storage|media)\/|^\/(?:var\/lib|srv)\//i

/** What is in the containers' own layers: what comes along, and what the earlier version will not have. */
export async function ownFilesOf(
  docker: DockerContext,
  containers: readonly Container[],
  signal: AbortSignal
): Promise<{ risks: Risk[]; notes: string[]; copied: string[][]; keeping: Set<string> }> {
  const found = await Promise.all(
    containers.map(async (container) => ({ container, ...(await ownFiles(docker, container, signal)) }))
  )
  const list = (paths: readonly OwnPath[]): string =>
    `${paths
      .slice(0, mostShown)
      .map(({ path, size }) => `${quote(docker.mask, path)}${size === null ? '' : ` (${byteSize(size)})`}`)
      .join(', ')}${paths.length > mostShown ? ` and ${paths.length - mostShown} more` : ''}`
  return {
    copied: found.map(({ copied }) => copied.map(({ path }) => path)),
    /** The containers that are kept, or of which something is, because of what they have or may have. */
    keeping: new Set(
      found.flatMap(({ container, rest, unknown }) => (rest.length > 0 || unknown ? [container.Id] : []))
    ),
    notes: found.flatMap(({ container, copied, unknown }) => {
      const name = baseName(container.Name)
      if (unknown)
        return [
          `Whether ${name} has files that are in no volume is unknown: ${unknown}. What it has is kept as ${keptBy(container)}.`
        ]
      return copied.length > 0 ? [`Files copied into ${name} come along: ${list(copied)}.`] : []
    }),
    risks: found
      .filter(({ rest }) => rest.length > 0)
      .map(({ container, rest }) => ({
        id: `own_layer:${baseName(container.Name)}`,
        serious: rest.some(({ path }) => data.test(path)),
        title: `${baseName(container.Name)} has files that are in no volume: ${list(rest)}`,
        detail: `The earlier version starts without them. They are kept as ${keptBy(container)}. All paths: docker diff ${baseName(container.Name)}.`
      }))
  }
}
