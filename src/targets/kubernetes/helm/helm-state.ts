import type { JsonObject } from '../../../model/json.ts'
import type { Release } from '../../../model/release.ts'
import { RollbackError } from '../../../support/errors.ts'
import { oneLine } from '../../../support/text.ts'
import type { KubernetesContext } from '../context.ts'
import { shortText } from '../objects/names.ts'
import type { Template } from '../objects/objects.ts'
import type { Workload } from '../objects/workload.ts'
import { type HelmContent, type HelmRevision, isPending } from './history.ts'
import { findObject, imagesOf, runs } from './manifest.ts'
import { commonOwner, type HelmName, helmOwner } from './owner.ts'

/** The release that the workloads belong to, as Helm records it; newest revision first. */
export interface HelmState {
  of: HelmName
  newest: HelmRevision
  revisions: HelmRevision[]
}

/** Whether Helm manages the workloads, and whether it can be used. */
export type HelmUse =
  | { state: 'none' }
  | { state: 'readable'; helmState: HelmState }
  | { state: 'unusable'; why: string }

/** Reads the one release that all workloads belong to, with the helm program. */
export async function observeHelm(
  { helm }: KubernetesContext,
  workloads: readonly Workload[],
  signal: AbortSignal
): Promise<HelmUse> {
  if (!workloads.some(helmOwner)) return { state: 'none' }
  const of = commonOwner(workloads)
  if (!of)
    return {
      state: 'unusable',
      why: 'the workloads of this target belong to more than one release; define one target for each release'
    }
  const why = await helm.program.unusable(signal)
  if (why) return { state: 'unusable', why }
  try {
    const revisions = await helm.history.revisions(of, signal)
    const [newest] = revisions
    return newest
      ? { state: 'readable', helmState: { of, newest, revisions } }
      : { state: 'unusable', why: 'it has no history' }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof RollbackError)) throw error
    return { state: 'unusable', why: `${error.what}: ${error.why}` }
  }
}

/** Identifies what a revision of a Helm release consists of, whichever revision it is. */
export const helmReleaseId = ({ namespace, name }: HelmName, hash: string): string =>
  `helm:${namespace}/${name}@${hash}`

/** What Helm still keeps of a release; undefined for one that is not of this Helm release. */
export const contentOf = ({ of, revisions }: HelmState, { id }: Pick<Release, 'id'>): HelmContent | undefined =>
  revisions.find(({ content }) => helmReleaseId(of, content.hash) === id)?.content

/** What every plan depends on. */
export const helmFacts = ({ of, newest }: HelmState): JsonObject => ({
  ...of,
  revision: newest.revision,
  status: newest.status,
  content: newest.content.hash
})

/**
 * Whether the cluster runs what Helm recorded last. It does not after a failed upgrade or rollback that changed nothing, or when
 * something else than Helm changed a workload. What is being deployed counts as running.
 */
export const runsNewest = ({ newest }: HelmState, workloads: readonly Workload[]): boolean =>
  isPending(newest) ||
  workloads.every(
    (workload) => !findObject(newest.content.objects, workload.address)?.template || runs(workload, newest.content)
  )

/** What Helm records of the release, and where the cluster differs. */
export function helmNotes({ of, newest, revisions }: HelmState, workloads: readonly Workload[]): string[] {
  const begun = isPending(newest) ? `, started at ${newest.updated} and never finished` : ''
  return [
    oneLine(`The Helm release ${of.name} is at revision ${newest.revision}: ${newest.status}${begun}.`, 300),
    ...workloads.flatMap((workload) => {
      const name = shortText(workload.address)
      const wanted = findObject(newest.content.objects, workload.address)?.template
      if (!wanted) return [`Helm's revision ${newest.revision} does not contain ${name}; the cluster does.`]
      if (runs(workload, newest.content)) return []
      const other = revisions.find(({ content }) => runs(workload, content))
      const live = imagesText(workload.object.spec.template)
      const named = imagesText(wanted)
      const not = live === named ? 'names them too, with another pod template' : `names ${named}`
      return [
        `${name} runs ${live}${other ? ` as in Helm's revision ${other.revision}` : ''}. Helm's newest revision ${newest.revision} ${not}.`
      ]
    })
  ]
}

const imagesText = (template: Template): string => oneLine(Object.values(imagesOf(template)).join(', '), 200)
