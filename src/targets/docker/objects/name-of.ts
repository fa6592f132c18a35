import type { DeploymentRecord } from '../../../model/deployment-record.ts'
import { knownAs } from './known-as.ts'
import { isGenericTag, parseReference, shortId } from './reference.ts'
import type { Container, Image } from './schemas.ts'
import { identitiesOf, labelled, tagOf } from './version.ts'

/** What a person calls the image that a container runs. */
export interface ImageName {
  version: string
  /** Neither tag nor history names it: a label may be the base image's, an identity is no name. */
  guessed: boolean
}

/** Its tag; where that names no version, what history calls the image, another tag, its version label, else its identity. */
export function nameOfImage(
  { Config, Image: id }: Pick<Container, 'Config' | 'Image'>,
  image: Image | null,
  history: readonly DeploymentRecord[]
): ImageName {
  const reference = parseReference(Config.Image)
  const labels = image?.Config?.Labels
  const named = (tag: string): ImageName => ({ version: knownAs(tag, labels, history), guessed: false })
  if (reference?.tag && !isGenericTag(reference.tag)) return named(reference.tag)
  const identities = image ? identitiesOf(image) : [id]
  const recorded = history.find(({ digest }) => digest && identities.includes(digest))?.version
  if (recorded !== undefined) return { version: recorded, guessed: false }
  const tag = tagOf(image, reference?.repository ?? null)
  if (tag !== undefined) return named(tag)
  const label = labelled(labels)
  return {
    version: label === undefined ? `sha256:${shortId(identities.at(-1) ?? id)}` : knownAs(label, labels, history),
    guessed: true
  }
}
