import type { JsonValue } from '../../../model/json.ts'
import type { Template } from '../objects/objects.ts'
import type { Revision } from '../objects/revision.ts'
import type { Workload } from '../workloads/workload.ts'
import type { HelmContent } from './history.ts'
import { findObject } from './manifest.ts'

/** By container, what a pod template runs. */
export const imagesOf = ({ spec }: Template): Record<string, string> =>
  Object.fromEntries([...(spec.initContainers ?? []), ...spec.containers].map(({ name, image }) => [name, image]))

export const sameImages = (a: Template, b: Template): boolean => {
  const [one, other] = [imagesOf(a), imagesOf(b)]
  const names = Object.keys(other)
  return names.length === Object.keys(one).length && names.every((name) => one[name] === other[name])
}

/** The revision that the cluster made of what a revision of the release says; undefined where that is not certain. */
export function clusterRevision(workload: Workload, { objects }: HelmContent): Revision | undefined {
  const wanted = findObject(objects, workload.address)?.template
  if (!wanted) return undefined
  const alike = workload.revisions.filter(({ template }) => sameImages(template, wanted))
  const covering = alike.filter(({ template }) => covers(template as JsonValue, wanted as JsonValue))
  const found = covering.length > 0 ? covering : alike
  return found.length === 1 ? found[0] : undefined
}

/** What the cluster keeps has all that was asked for; it adds defaults, and writes numbers its own way. */
function covers(kept: JsonValue | undefined, wanted: JsonValue | undefined): boolean {
  if (wanted === null || wanted === undefined) return true
  if (Array.isArray(wanted))
    return (
      (Array.isArray(kept) &&
        kept.length === wanted.length &&
        wanted.every((one, index) => covers(kept[index], one))) ||
      (wanted.length === 0 && !kept)
    )
  if (typeof wanted === 'object') {
    const there = kept && typeof kept === 'object' && !Array.isArray(kept) ? kept : {}
    return Object.entries(wanted).every(([key, value]) => covers(there[key], value))
  }
  return String(kept) === String(wanted)
}
