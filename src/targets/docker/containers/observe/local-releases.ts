import type { DeploymentRecord } from '../../../../model/deployment-record.ts'
import type { Release } from '../../../../model/release.ts'
import { knownAs } from '../../objects/known-as.ts'
import { isGenericTag, parseReference, shortId, tagPattern } from '../../objects/reference.ts'
import type { Container, ImageSummary } from '../../objects/schemas.ts'
import { digestIn, exactId, identitiesOf, labelled, revisionLabel } from '../../objects/version.ts'

/** How an image got its version; the surest first. */
const ways = ['record', 'tag', 'label', 'identity'] as const

interface Named {
  image: ImageSummary
  version: string
  /** The tag that people know it by; null for an image without. */
  tag: string | null
  by: (typeof ways)[number]
}

/** The newest record of a version that says which image it was. */
export const recordedDigest = (history: readonly DeploymentRecord[], version: string): string | undefined =>
  history.find((record) => record.version === version && record.status === 'success' && record.digest)?.digest

/** The releases that the engine has images of, by version: a recorded image beats a tag, a tag beats a label, newer beats older. */
export function localReleases(
  images: readonly ImageSummary[],
  repository: string,
  history: readonly DeploymentRecord[]
): Map<string, Release> {
  const byVersion = new Map<string, Named[]>()
  for (const named of images.flatMap((image) => namesOf(image, repository, history)))
    byVersion.set(named.version, [...(byVersion.get(named.version) ?? []), named])
  return new Map(
    [...byVersion].flatMap(([version, all]) => {
      const [best, ...others] = all.sort(bySureness)
      const rivals = others.filter(({ image }) => image.Id !== best?.image.Id).map(({ image }) => describe(image))
      return best ? [[version, localRelease(best, rivals, repository, recordedDigest(history, version))] as const] : []
    })
  )
}

/**
 * Images of no tag that are of the target all the same: history recorded their identity, a stopped container of it runs them, or
 * Compose built them for it.
 */
export function withoutTag(
  everyImage: readonly ImageSummary[],
  { containers, retired }: { containers: readonly Container[]; retired: readonly Container[] },
  history: readonly DeploymentRecord[]
): ImageSummary[] {
  const recorded = new Set(history.flatMap(({ digest }) => digest ?? []))
  const run = new Set(retired.map(({ Image: image }) => image))
  const services = new Set(containers.flatMap(({ Config }) => serviceOf(Config.Labels) ?? []))
  return everyImage.filter(
    (image) =>
      run.has(image.Id) ||
      identitiesOf(image).some((identity) => recorded.has(identity)) ||
      (isUntagged(image) && services.has(serviceOf(image.Labels) ?? ''))
  )
}

const isUntagged = ({ RepoTags: tags }: ImageSummary): boolean => (tags ?? []).every((tag) => tag.startsWith('<none>'))

const serviceOf = (labels: Record<string, string> | null | undefined): string | undefined => {
  const [project, service] = [labels?.['com.docker.compose.project'], labels?.['com.docker.compose.service']]
  return project && service ? `${project} ${service}` : undefined
}

const bySureness = (a: Named, b: Named): number =>
  ways.indexOf(a.by) - ways.indexOf(b.by) ||
  Number(b.tag === b.version) - Number(a.tag === a.version) ||
  (b.image.Created ?? 0) - (a.image.Created ?? 0)

function namesOf(image: ImageSummary, repository: string, history: readonly DeploymentRecord[]): Named[] {
  const tags = (image.RepoTags ?? []).flatMap((text) => {
    const reference = parseReference(text)
    return reference?.repository === repository && reference.tag && !isGenericTag(reference.tag) ? [reference.tag] : []
  })
  const identities = identitiesOf(image)
  const recorded = new Set(
    history
      .filter(({ digest, version }) => digest && identities.includes(digest) && tagPattern.test(version))
      .map(({ version }) => version)
  )
  const named = new Map<string, Named>()
  for (const tag of tags) {
    const version = knownAs(tag, image.Labels, history)
    const by = recorded.has(version) ? 'record' : 'tag'
    if (named.get(version)?.tag !== version) named.set(version, { image, version, tag, by })
  }
  for (const version of recorded)
    if (!named.has(version)) named.set(version, { image, version, tag: version, by: 'record' })
  if (named.size > 0) return [...named.values()]
  const label = labelled(image.Labels)
  if (label) return [{ image, version: knownAs(label, image.Labels, history), tag: null, by: 'label' }]
  return [{ image, version: exactId(image, repository, history), tag: null, by: 'identity' }]
}

function localRelease(
  { image, version, tag, by }: Named,
  rivals: readonly string[],
  repository: string,
  recorded: string | undefined
): Release {
  const identities = identitiesOf(image)
  const digest = digestIn(image, repository)
  const moved = recorded && !identities.includes(recorded)
  const commit = image.Labels?.[revisionLabel]
  return {
    version,
    id: recorded && !moved ? recorded : (digest ?? image.Id),
    ...(image.Created ? { createdAt: new Date(image.Created * 1000).toISOString() } : {}),
    ...(commit && /^[a-f0-9]{7,64}$/.test(commit) ? { commit } : {}),
    available: { state: 'yes', reason: 'the image is on the engine' },
    prerelease: isPrerelease(version),
    details: {
      reference: digest ? `${repository}@${digest}` : image.Id,
      shown: tag === null ? null : `${repository}:${tag}`,
      local: true,
      identities,
      named: { by, image: describe(image), rivals: [...rivals] },
      ...(moved ? { moved: { recorded, now: identities, kept: false } } : {})
    }
  }
}

export const isPrerelease = (version: string): boolean => /^v?\d+\.\d+(\.\d+)?-/.test(version)

/** "2f204d26fef0 (built 2026-03-18 12:00 UTC)". */
const describe = ({ Id, Created }: ImageSummary): string =>
  `${shortId(Id)}${Created ? ` (built ${new Date(Created * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC)` : ''}`
