import type { DockerContext } from '../../context.ts'
import { EngineError, orNull } from '../../engine/engine.ts'
import type { Container } from '../../objects/schemas.ts'
import { renamedIn } from '../../objects/tar.ts'
import { readOwnPaths } from './own-layer.ts'

const mostFiles = 64

/** A path in a container's own layer; its size in bytes where that is known. */
export interface OwnPath {
  path: string
  size: number | null
}

interface OwnFiles {
  /** Files that Compose or a person copied in, each as an archive for the root folder. */
  copied: (OwnPath & { archive: Buffer })[]
  /** Written inside, or too much to copy. */
  rest: OwnPath[]
  /** Why the engine could not say what there is. */
  unknown?: string
}

/** What a container has in its own layer. */
export async function ownFiles(docker: DockerContext, old: Container, signal: AbortSignal): Promise<OwnFiles> {
  const own: OwnFiles = { copied: [], rest: [] }
  const paths = await readOwnPaths(docker, old, signal).catch((error: unknown) => {
    if (error instanceof EngineError) return error
    throw error
  })
  if (paths instanceof EngineError) return { ...own, unknown: paths.why }
  for (const [index, path] of paths.entries()) {
    const found = index < mostFiles ? await orNull(docker.engine.containers.readPath(old.Id, path, signal)) : null
    const archive = found?.copied && renamedIn(found.copied, path.slice(1))
    const size = found?.size ?? null
    if (archive) own.copied.push({ path, size, archive })
    else own.rest.push({ path, size })
  }
  return own
}

/** Copies into a container that was not started yet what was copied into the old one. */
export async function copyInto(docker: DockerContext, id: string, old: Container, signal: AbortSignal): Promise<void> {
  for (const { archive } of (await ownFiles(docker, old, signal)).copied)
    await docker.engine.containers.writeArchive(id, '/', archive, signal)
}
