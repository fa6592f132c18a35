import { z } from 'zod'
import type { Risk } from '../../../model/observation.ts'
import { orOn } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import { type Metadata, metadataSchema, part } from '../objects/objects.ts'

/** Self-healing begins after 5 s (argo-cd.readthedocs.io, "Automated Sync Policy"), and takes a while to show. */
export const argoSoakMs = 30_000

const text = z.string().nullish()
const sourceSchema = z.looseObject({ repoURL: z.string().optional() })
const applicationSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z
    .looseObject({
      source: sourceSchema.nullish(),
      sources: z.array(sourceSchema).nullish(),
      syncPolicy: part({ automated: part({ enabled: z.boolean().nullish() }) })
    })
    .default({}),
  status: part({ sync: part({ revision: text }), history: z.array(z.looseObject({ revision: text })).nullish() })
})
type Application = z.infer<typeof applicationSchema>

/**
 * The application that tracks an object: by annotation, by Argo CD's own label, or by the label that others use as well where Argo CD
 * is among the object's managers (argo-cd.readthedocs.io, "Resource Tracking").
 */
export function applicationOf({ labels, annotations, managedFields }: Metadata): string | undefined {
  const tracked = annotations?.['argocd.argoproj.io/tracking-id']?.split(':')[0]
  const byArgo = managedFields?.some(({ manager }) => manager?.startsWith('argocd'))
  return (
    tracked ?? labels?.['argocd.argoproj.io/instance'] ?? (byArgo ? labels?.['app.kubernetes.io/instance'] : undefined)
  )
}

/** The risk that an application owns workloads: whether it will undo the rollback, and from which commit. */
export async function argoRisk(
  cluster: KubernetesContext,
  name: string,
  what: string,
  signal: AbortSignal
): Promise<Risk> {
  const application = await readApplication(cluster, name, signal)
  const bare = name.split('_').at(-1) ?? name
  const id = `argocd:${bare}`
  const automated = application?.spec.syncPolicy?.automated
  if (application && (!automated || automated.enabled === false))
    return {
      id,
      serious: false,
      title: `Argo CD's application ${bare} owns ${what}, and its automated sync is off`,
      detail: `The next manual sync undoes the rollback. ${commitToRevert(application)}`
    }
  return {
    id,
    serious: true,
    title: `Argo CD's application ${bare} owns ${what} and may undo the rollback`,
    detail: `With automated sync it restores what git contains. ${commitToRevert(application)} Or switch automated sync off first: ${switchOff(application, bare)}.`
  }
}

/** Reads an application; its name starts with its namespace where applications may be in any. */
async function readApplication(
  { api }: KubernetesContext,
  name: string,
  signal: AbortSignal
): Promise<Application | null> {
  const [namespace, own] = name.includes('_') ? name.split('_') : ['argocd', name]
  const group = '/apis/argoproj.io/v1alpha1'
  const doing = `Reading Argo CD's application ${name}`
  const path = `${group}/namespaces/${namespace}/applications/${own}`
  const found = await api.find({ doing, path, signal }, applicationSchema).catch(orOn(null, 403))
  if (found || name.includes('_')) return found
  const anywhere = { path: `${group}/applications`, query: { fieldSelector: `metadata.name=${own}` } }
  const { items } = await api
    .list({ doing, ...anywhere, signal }, applicationSchema)
    .catch(orOn({ items: [] }, 403, 404))
  return items.length === 1 ? (items[0] ?? null) : null
}

const short = (revision: string): string => (/^[0-9a-f]{40}$/.test(revision) ? revision.slice(0, 12) : revision)

function commitToRevert(application: Application | null): string {
  const revision = application?.status?.sync?.revision
  if (!revision) return 'Revert the commit there. Its hash could not be read.'
  const repository = application.spec.source?.repoURL ?? application.spec.sources?.[0]?.repoURL ?? 'its repository'
  const before = application.status?.history?.findLast(
    (entry) => entry.revision && entry.revision !== revision
  )?.revision
  return `It synced commit ${short(revision)} of ${repository}${before ? `, and ${short(before)} before it` : ''}. Revert the commits in between.`
}

function switchOff(application: Application | null, name: string): string {
  const set = application?.metadata.ownerReferences?.find(({ kind }) => kind === 'ApplicationSet')
  if (set) return `its ApplicationSet ${set.name} sets the policy, so change it there`
  const namespace = application?.metadata.namespace
  return `"argocd app set ${namespace ? `${namespace}/` : ''}${name} --sync-policy none"`
}
