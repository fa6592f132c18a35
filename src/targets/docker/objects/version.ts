import type { DeploymentRecord } from '../../../model/deployment-record.ts'
import { isGenericTag, parseReference, shortId, tagPattern } from './reference.ts'
import type { Container, Image } from './schemas.ts'

/** The label with an image's own version (opencontainers/image-spec, annotations). */
export const versionLabel = 'org.opencontainers.image.version'
export const revisionLabel = 'org.opencontainers.image.revision'

/** Every exact identity of an image: its id, and the digests under which registries know it. */
export const identitiesOf = (image: { Id: string; RepoDigests?: string[] | null | undefined }): string[] => [
  image.Id,
  ...(image.RepoDigests ?? []).map((reference) => reference.slice(reference.indexOf('@') + 1))
]

/** The digest under which a repository knows an image, when the engine knows it. */
export const digestIn = (
  image: { RepoDigests?: string[] | null | undefined },
  repository: string | null
): string | undefined =>
  (image.RepoDigests ?? [])
    .map(parseReference)
    .find((reference) => reference?.repository === repository && reference.digest)?.digest

/** What a person calls the image a container runs: its tag, its version label, what history calls it, else its digest. */
export function versionOf(container: Container, image: Image | null, history: readonly DeploymentRecord[]): string {
  const tag = parseReference(container.Config.Image)?.tag
  if (tag && !isGenericTag(tag)) return tag
  const identities = image ? identitiesOf(image) : [container.Image]
  return (
    labelled(image?.Config?.Labels) ??
    history.find((record) => record.digest && identities.includes(record.digest))?.version ??
    tagOf(image, parseReference(container.Config.Image)?.repository ?? null) ??
    `sha256:${shortId(identities.at(-1) ?? container.Image)}`
  )
}

export const labelled = (labels: Record<string, string> | null | undefined): string | undefined => {
  const version = labels?.[versionLabel]
  return version && tagPattern.test(version) ? version : undefined
}

/** A tag that names a version, of those that the engine has for an image in a repository. */
export const tagOf = (image: Image | null, repository: string | null): string | undefined =>
  (image?.RepoTags ?? [])
    .map(parseReference)
    .find((reference) => reference?.repository === repository && reference.tag && !isGenericTag(reference.tag))?.tag
