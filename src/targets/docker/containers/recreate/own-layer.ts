import type { DockerContext } from '../../context.ts'
import type { Container, PathChange } from '../../objects/schemas.ts'
import { placeOf } from './host.ts'

/** Written by engine, programs and package managers as they run; nothing of it is data. Secrets that Compose copies in are below /run. */
const noise = [
  /^\/(?:dev|proc|sys|tmp|var\/tmp|var\/cache|var\/lock|var\/log|var\/run|root\/\.cache)(?:\/|$)/,
  /^\/run(?:\/(?!secrets(?:\/|$))|$)/,
  /^\/(?:\.dockerenv|sbin\/docker-init|etc\/(?:hosts|hostname|resolv\.conf|mtab|ld\.so\.cache))$/,
  /\/(?:__pycache__|\.cache|\.npm|lost\+found)(?:\/|$)/,
  /\.(?:pid|pyc|lock|sock|log)$/,
  /\/\.(?:ash|bash|sh|python|node_repl)_history$/
]

const deleted = 2

/**
 * The paths in a container's own layer that are lost with it: added or changed, no folders of those, no noise, and nothing that a mount
 * covers.
 */
export function ownPaths(container: Container, changes: readonly PathChange[]): string[] {
  const covered = [
    ...(container.Mounts ?? []).map(({ Destination }) => placeOf(Destination)),
    ...Object.keys(container.HostConfig.Tmpfs ?? {}).map(placeOf)
  ]
  const paths = changes.filter(({ Kind }) => Kind !== deleted).map(({ Path }) => Path)
  const folders = new Set(
    changes.flatMap(({ Path }) => {
      const parts = Path.split('/')
      return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
    })
  )
  return paths.filter(
    (path) =>
      !folders.has(path) &&
      path !== container.Config.WorkingDir &&
      !noise.some((pattern) => pattern.test(path)) &&
      !covered.some((place) => path === place || path.startsWith(`${place}/`) || place.startsWith(`${path}/`))
  )
}

export const readOwnPaths = async (
  { engine }: DockerContext,
  container: Container,
  signal: AbortSignal
): Promise<string[]> => ownPaths(container, await engine.containers.changes(container.Id, signal))
