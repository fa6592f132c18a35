import type { JsonObject } from '../../../model/json.ts'
import { RollbackError } from '../../../support/errors.ts'
import { oneLine } from '../../../support/text.ts'
import type { KubernetesContext } from '../context.ts'
import { shortText } from '../objects/names.ts'
import type { Workload } from '../workloads/read.ts'
import { type HelmRevision, isPending } from './history.ts'
import { findObject, sameImages } from './manifest.ts'

/** A release of Helm's, by name and the namespace that keeps its records. */
export interface HelmName {
  name: string
  namespace: string
}

/** Names of releases (helm.sh/helm/v3/pkg/chartutil/validate_name.go). */
export const releaseName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** The release that a workload belongs to, by the marks that Helm 3 leaves on its objects; null for none. */
export function helmOwner({ address, object }: Workload): HelmName | null {
  const { labels, annotations } = object.metadata
  const name = annotations?.['meta.helm.sh/release-name']
  if (!name || name.length > 53 || !releaseName.test(name)) return null
  if (labels?.['app.kubernetes.io/managed-by'] !== 'Helm') return null
  const namespace = annotations?.['meta.helm.sh/release-namespace'] ?? address.namespace
  return releaseName.test(namespace) ? { name, namespace } : null
}

/** The one release that all workloads belong to; null where they belong to none, to several, or only some to one. */
export function commonOwner(workloads: readonly Workload[]): HelmName | null {
  const owners = workloads.map(helmOwner)
  const [first] = owners
  const same = owners.every((owner) => owner?.name === first?.name && owner?.namespace === first?.namespace)
  return first && same ? first : null
}

/** What is seen of the release that the workloads belong to; newest revision first. */
export interface HelmState {
  of: HelmName
  newest: HelmRevision
  revisions: HelmRevision[]
}

export type HelmLook = { state: 'none' } | { state: 'seen'; helmState: HelmState } | { state: 'unusable'; why: string }

/** Looks at the one release that all workloads belong to, through the helm program. */
export async function lookAtHelm(
  { helm }: KubernetesContext,
  workloads: readonly Workload[],
  signal: AbortSignal
): Promise<HelmLook> {
  if (!workloads.some(helmOwner)) return { state: 'none' }
  const of = commonOwner(workloads)
  if (!of)
    return {
      state: 'unusable',
      why: "not all workloads of this target belong to that one release; a target of its own for each release's workloads can be rolled back"
    }
  const why = await helm.program.unusable(signal)
  if (why) return { state: 'unusable', why }
  try {
    const revisions = await helm.history.revisions(of, signal)
    const [newest] = revisions
    return newest
      ? { state: 'seen', helmState: { of, newest, revisions } }
      : { state: 'unusable', why: 'it has no history' }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof RollbackError)) throw error
    return { state: 'unusable', why: `${error.what}: ${error.why}` }
  }
}

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
