import type { z } from 'zod'
import type { Risk } from '../../../../model/observation.ts'
import type { Release } from '../../../../model/release.ts'
import { versionLabel } from '../../objects/version.ts'
import type { releaseDetailsSchema } from '../observe/releases.ts'

/** Which image is meant, and why, where no record says which one served. */
export function namingRisks(
  { version }: Release,
  { named, shown, reference, moved }: z.infer<typeof releaseDetailsSchema>
): Risk[] {
  if (!named || named.by === 'record' || named.by === 'identity') return []
  const { image, rivals } = named
  const others =
    rivals.length > 4 ? `${rivals.slice(0, 4).join(', ')} and ${rivals.length - 4} more` : rivals.join(', ')
  if (named.by === 'tag')
    return rivals.length === 0 || moved
      ? []
      : [
          {
            id: `image_by_tag:${version}`,
            serious: false,
            title: `Several images are called ${version}`,
            detail: `The rollback uses ${image}, because it has the tag ${shown ?? version}. Not used: ${others}, which say so by a label only.`
          }
        ]
  if (rivals.length === 0)
    return [
      {
        id: `image_by_label:${version}`,
        serious: false,
        title: `No tag names ${version}`,
        detail: `The rollback uses the image ${image}, because its label ${versionLabel} says ${version}.`
      }
    ]
  return [
    {
      id: `image_by_label:${version}`,
      serious: true,
      title: `Several images are called ${version}, and no tag or record says which one served`,
      detail: `The rollback uses ${image}, the newest whose label ${versionLabel} says ${version}. Not used: ${others}. If another one is meant, give it the tag and assess again: docker tag IMAGE ${tagFor(reference, version)}`
    }
  ]
}

const tagFor = (reference: string, version: string): string => {
  const at = reference.indexOf('@')
  return at > 0 ? `${reference.slice(0, at)}:${version}` : `REPOSITORY:${version}`
}
