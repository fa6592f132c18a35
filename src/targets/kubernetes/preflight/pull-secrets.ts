import type { Risk } from '../../../model/observation.ts'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText } from '../objects/names.ts'
import { metadataList, metaOnlySchema } from '../objects/objects.ts'

/** The types that a kubelet reads registry logins from (kubernetes.io, "Pull an Image from a Private Registry"). */
const types = ['kubernetes.io/dockerconfigjson', 'kubernetes.io/dockercfg']

/** Whether the registry logins that the old templates name exist. Without one, a kubelet continues, and the pull fails. */
export async function examinePullSecrets(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  signal: AbortSignal
): Promise<Risk[]> {
  const named = new Map<string, { namespace: string; name: string; by: string }>()
  for (const { revision, move } of changes)
    for (const { name } of revision.template.spec.imagePullSecrets ?? [])
      if (name) named.set(`${move.namespace}/${name}`, { namespace: move.namespace, name, by: addressText(move) })
  const each = await inParallel([...named], 12, async ([id, { namespace, name, by }]): Promise<Risk[]> => {
    const found = await typeOf(cluster, namespace, name, signal).catch(orOn('unreadable' as const, 403))
    if (found === 'login') return []
    if (found === 'unreadable')
      return [
        {
          id: `pull_secret_unseen:${id}`,
          serious: false,
          title: `Whether the registry login ${id} still exists is unknown`,
          detail: `The old template of ${by} names it, and these rights do not allow reading it.`
        }
      ]
    return [
      {
        id: `pull_secret:${id}`,
        serious: true,
        title:
          found === 'gone' ? `The registry login ${id} no longer exists` : `The Secret ${id} is not a registry login`,
        detail: `The old template of ${by} names it in imagePullSecrets (${types[0]}). A node that does not have the image may fail to pull it.`
      }
    ]
  })
  return each.flat()
}

/** By field selectors, so that only metadata is read, never the login. */
async function typeOf(
  { api }: KubernetesContext,
  namespace: string,
  name: string,
  signal: AbortSignal
): Promise<'login' | 'other' | 'gone'> {
  const exists = async (more: string): Promise<boolean> => {
    const path = `/api/v1/namespaces/${namespace}/secrets`
    const query = { fieldSelector: `metadata.name=${name}${more}` }
    const request = { doing: `Reading secrets/${name}`, path, query, accept: metadataList, signal }
    return (await api.list(request, metaOnlySchema)).items.length > 0
  }
  for (const type of types) if (await exists(`,type=${type}`)) return 'login'
  return (await exists('')) ? 'other' : 'gone'
}
