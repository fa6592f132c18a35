import { ownedBy } from '../../compose/labels.ts'
import type { DockerContext } from '../../context.ts'
import { baseName, fallbackName } from '../../objects/names.ts'
import type { Container } from '../../objects/schemas.ts'
import { ownFiles } from '../recreate/copied-in.ts'

const imageOf = ({ Name, Id }: Container): string =>
  `popkit-kept/${baseName(Name)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')}-${Id.slice(0, 12)}`

/** Compose would remove a second container of a service, or adopt it, and labels cannot be changed: an image has what it held. */
export const keptBy = (container: Container): string =>
  ownedBy(container.Config.Labels)
    ? `the image ${imageOf(container)}`
    : `the stopped container ${fallbackName(baseName(container.Name), container.Id)}`

/** Keeps the data in the old container's own layer. Gives what remains and whether the container itself must stay; null without data. */
export async function keepData(
  docker: DockerContext,
  old: Container,
  signal: AbortSignal
): Promise<{ remains: string; staysItself: boolean } | null> {
  const { rest } = await ownFiles(docker, old, signal)
  if (rest.length === 0) return null
  const staysItself = ownedBy(old.Config.Labels) === null
  if (!staysItself) await docker.engine.containers.commit(old.Id, imageOf(old), signal)
  const removal = staysItself ? `docker rm ${old.Name}` : `docker rmi ${imageOf(old)}`
  return {
    staysItself,
    remains: `Files that are in no volume are kept as ${keptBy(old)}. Without need of them: ${removal}`
  }
}
