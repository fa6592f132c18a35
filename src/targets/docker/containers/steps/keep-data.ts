import { ownedBy } from '../../compose/labels.ts'
import type { DockerContext } from '../../context.ts'
import { baseName, fallbackName } from '../../objects/names.ts'
import type { Container } from '../../objects/schemas.ts'
import { ownFiles } from '../recreate/copied-in.ts'

/** The image that keeps what a container has in its own layer. */
export const imageOf = (name: string, id: string): string =>
  `popkit-kept/${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-${id.slice(0, 12)}`

/** Compose would remove a second container of a service, or adopt it, and labels cannot be changed: an image has what it held. */
export const isKeptAsImage = ({ Config }: Container): boolean => ownedBy(Config.Labels) !== null

export const keptBy = (container: Container): string => {
  const name = baseName(container.Name)
  return isKeptAsImage(container)
    ? `the image ${imageOf(name, container.Id)}`
    : `the stopped container ${fallbackName(name, container.Id)}`
}

/**
 * Keeps what the old container has in its own layer, or may have. Gives what remains and whether the container itself must stay; null
 * where it has nothing.
 */
export async function keepData(
  docker: DockerContext,
  old: Container,
  signal: AbortSignal
): Promise<{ remains: string; staysItself: boolean } | null> {
  const { rest, unknown } = await ownFiles(docker, old, signal)
  if (rest.length === 0 && unknown === undefined) return null
  const image = imageOf(baseName(old.Name), old.Id)
  const staysItself = !isKeptAsImage(old)
  if (!staysItself) await docker.engine.containers.commit(old.Id, image, signal)
  const removal = staysItself ? `docker rm ${old.Name}` : `docker rmi ${image}`
  const what = unknown === undefined ? 'Files that are in no volume are' : 'What may be in no volume is'
  return { staysItself, remains: `${what} kept as ${keptBy(old)}. Without need of that: ${removal}` }
}
