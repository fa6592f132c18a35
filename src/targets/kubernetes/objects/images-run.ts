import type { Pod } from './objects.ts'
import { containersOf } from './pods.ts'

/**
 * What the containers of some pods run, by name, where all pods agree: `repository@sha256:…`, or `sha256:…` of an image that was never
 * pulled and that no reference names.
 */
export function imagesRun(pods: readonly Pod[]): Record<string, string> {
  const ids = new Map<string, Set<string>>()
  for (const { name, imageID } of pods.flatMap(containersOf)) {
    const id = imageID?.replace(/^docker(-pullable)?:\/\//, '')
    if (id) ids.set(name, (ids.get(name) ?? new Set()).add(id))
  }
  return Object.fromEntries(
    [...ids].flatMap(([name, [id, ...others]]) => (id && others.length === 0 ? [[name, id]] : []))
  )
}

/** The digest of an image, for comparison. */
export const digestOf = (image: string): string => image.slice(image.lastIndexOf('sha256:'))
/** The same for people. */
export const shortDigest = (image: string): string => digestOf(image).slice(0, 'sha256:'.length + 12)
