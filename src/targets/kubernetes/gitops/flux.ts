import { z } from 'zod'
import type { Risk } from '../../../model/observation.ts'
import { orOn } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import { type Metadata, part } from '../objects/objects.ts'

/** What Flux applies objects from. */
export interface FluxOwner {
  kind: 'kustomization' | 'helmrelease'
  namespace: string
  name: string
}

const kinds = {
  kustomization: { group: 'kustomize.toolkit.fluxcd.io', versions: ['v1', 'v1beta2', 'v1beta1'] },
  helmrelease: { group: 'helm.toolkit.fluxcd.io', versions: ['v2', 'v2beta2', 'v2beta1'] }
} as const

const ownerSchema = z.looseObject({
  spec: z.looseObject({ suspend: z.boolean().nullish() }).default({}),
  status: part({ lastAppliedRevision: z.string().nullish(), lastAttemptedRevision: z.string().nullish() })
})

/** The labels that Flux's controllers set on all that they apply (fluxcd.io, "Kustomization" and "HelmRelease"). */
export const fluxOwners = ({ labels }: Metadata, here: string): FluxOwner[] =>
  (Object.keys(kinds) as FluxOwner['kind'][]).flatMap((kind) => {
    const name = labels?.[`${kinds[kind].group}/name`]
    return name ? [{ kind, name, namespace: labels?.[`${kinds[kind].group}/namespace`] ?? here }] : []
  })

/** The risk that Flux owns workloads: whether it is suspended, and which revision it applies. */
export async function fluxRisk(
  cluster: KubernetesContext,
  owner: FluxOwner,
  what: string,
  signal: AbortSignal
): Promise<Risk> {
  const { kind, name, namespace } = owner
  const object = await readOwner(cluster, owner, signal)
  const revision = object?.status?.lastAppliedRevision ?? object?.status?.lastAttemptedRevision
  const applied = revision
    ? `It applied ${revision}: revert that in git`
    : 'Revert the commit in git (its hash could not be read)'
  const id = `flux:${name}`
  if (object?.spec.suspend)
    return {
      id,
      serious: false,
      title: `Flux's ${kind} ${name} owns ${what}, and is suspended`,
      detail: `It undoes the rollback once it is resumed. ${applied} before that.`
    }
  return {
    id,
    serious: true,
    title: `Flux's ${kind} ${name} owns ${what} and will undo the rollback when it reconciles next`,
    detail: `${applied}, and suspend it until then: "flux suspend ${kind} ${name} -n ${namespace}".`
  }
}

/** Reads it by the newest version of its API that the server has. */
async function readOwner({ api }: KubernetesContext, { kind, name, namespace }: FluxOwner, signal: AbortSignal) {
  const { group, versions } = kinds[kind]
  for (const version of versions) {
    const path = `/apis/${group}/${version}/namespaces/${namespace}/${kind}s/${name}`
    const request = { doing: `Reading Flux's ${kind} ${name}`, path, signal }
    const found = await api.find(request, ownerSchema).catch(orOn(null, 403))
    if (found) return found
  }
  return null
}
