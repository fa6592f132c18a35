import type { DeploymentRecord } from '../../../model/deployment-record.ts'
import { isGenericTag, parseReference, tagPattern } from './reference.ts'
import type { Image } from './schemas.ts'

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

/** The identity by which an image is known: the one that history recorded of it, else its digest in the repository, else its id. */
export function exactId(
  image: { Id: string; RepoDigests?: string[] | null | undefined },
  repository: string | null,
  history: readonly DeploymentRecord[]
): string {
  const identities = identitiesOf(image)
  const recorded = history.find(
    ({ digest, status }) => status === 'success' && digest && identities.includes(digest)
  )?.digest
  return recorded ?? digestIn(image, repository) ?? image.Id
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
