import type { JsonObject } from '../../../model/json.ts'
import { oneLine } from '../../../support/text.ts'
import { shortText } from '../objects/names.ts'
import type { Workload } from '../workloads/workload.ts'
import type { HelmState } from './helm-state.ts'
import { isPending } from './history.ts'
import { findObject } from './manifest.ts'
import { sameImages } from './matching.ts'

/** What every plan depends on. */
export const helmFacts = ({ of, newest }: HelmState): JsonObject => ({
  ...of,
  revision: newest.revision,
  status: newest.status,
  content: newest.content.hash
})

/** What Helm says of the release, and where the cluster says otherwise. */
export function helmNotes({ of, newest }: HelmState, workloads: readonly Workload[]): string[] {
  const begun = isPending(newest) ? `, begun at ${newest.updated} and never ended` : ''
  return [
    oneLine(`Helm's release ${of.name} is at revision ${newest.revision}: ${newest.status}${begun}.`, 300),
    ...workloads.flatMap(({ address, object }) => {
      const wanted = findObject(newest.content.objects, address)?.template
      if (!wanted)
        return [`Helm's revision ${newest.revision} does not have ${shortText(address)}, and the cluster has.`]
      return sameImages(object.spec.template, wanted)
        ? []
        : [`${shortText(address)} does not run the images that Helm's revision ${newest.revision} names.`]
    })
  ]
}
