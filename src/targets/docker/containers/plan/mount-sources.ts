import { randomUUID } from 'node:crypto'
import type { Blocker } from '../../../../model/observation.ts'
import { quote } from '../../../../support/quote.ts'
import type { DockerContext } from '../../context.ts'
import { EngineError } from '../../engine/engine.ts'
import { baseName } from '../../objects/names.ts'
import type { Container } from '../../objects/schemas.ts'
import { boundPaths } from '../recreate/binds.ts'

/**
 * Paths of the engine's machine that are gone. A running container still has what it was started with, but can neither be replaced nor
 * started again.
 */
export async function missingSourceBlockers(
  docker: DockerContext,
  containers: readonly Container[],
  signal: AbortSignal
): Promise<Blocker[]> {
  const missing = await Promise.all(
    containers.map(async (container) => ({ container, paths: await missingSources(docker, container, signal) }))
  )
  return missing.flatMap(({ container: { Name }, paths }) =>
    paths.map((path) => ({
      id: `mount_source_missing:${path.slice(0, 100)}`,
      what: `${quote(docker.mask, path)} no longer exists on the engine's machine`,
      why: `${baseName(Name)} is bound to it. It runs with what it has, but once stopped, neither it nor its replacement can start with it. Nothing was stopped`,
      next: `Put the file or folder back (docker cp from ${baseName(Name)} gives its present content), then assess again.`
    }))
  )
}

/**
 * Asks the engine, which may be on another machine. It checks all mounts of a request before it creates anything, so a last one that
 * cannot exist lets every request fail: nothing is created.
 */
async function missingSources({ engine }: DockerContext, container: Container, signal: AbortSignal): Promise<string[]> {
  const missing: string[] = []
  const never = `/popkit-${randomUUID()}`
  for (let left = boundPaths(container.HostConfig); left.length > 0; ) {
    const Mounts = [...left, { Type: 'bind', Source: never, Target: '/popkit/never', ReadOnly: true }]
    const said = await engine.containers
      .create(`popkit-try-${randomUUID()}`, { Image: container.Image, HostConfig: { Mounts } }, signal)
      .then(async (id) => {
        await engine.containers.remove(id, { ownVolumes: true, force: true }, signal)
        return ''
      })
      .catch((error: unknown) => {
        if (error instanceof EngineError) return error.said
        throw error
      })
    const path = said.includes('does not exist')
      ? left.find(({ Source }) => said.endsWith(`: ${Source}`))?.Source
      : null
    if (!path) break
    missing.push(path)
    left = left.filter(({ Source }) => Source !== path)
  }
  return missing
}
