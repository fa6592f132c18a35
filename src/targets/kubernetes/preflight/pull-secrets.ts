import type { Risk } from '../../../model/observation.ts'
import { isStatus } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { addressText } from '../objects/names.ts'
import { metaOnlySchema } from '../objects/objects.ts'
import type { Way } from '../workloads/plan.ts'

/** The types that a kubelet reads registry logins from (kubernetes.io, "Pull an Image from a Private Registry"). */
const types = ['kubernetes.io/dockerconfigjson', 'kubernetes.io/dockercfg']

/** Whether the registry logins that the old templates name are there. A kubelet goes on without one, and the pull fails. */
export async function examinePullSecrets(
  cluster: KubernetesContext,
  ways: readonly Way[],
  signal: AbortSignal
): Promise<Risk[]> {
  const named = new Map<string, { namespace: string; name: string; by: string }>()
  for (const { revision, move } of ways)
    for (const { name } of revision.template.spec.imagePullSecrets ?? [])
      if (name) named.set(`${move.namespace}/${name}`, { namespace: move.namespace, name, by: addressText(move) })
  const each = await inParallel([...named.values()], 12, async ({ namespace, name, by }): Promise<Risk[]> => {
    const found = await typeOf(cluster, namespace, name, signal)
    if (found === 'login') return []
    const id = `${namespace}/${name}`
    if (found === 'unseen')
      return [
        {
          id: `pull_secret_unseen:${id}`,
          serious: false,
          title: `Whether the registry login ${id} still exists may not be read`,
          detail: `The old template of ${by} names it.`
        }
      ]
    return [
      {
        id: `pull_secret:${id}`,
        serious: true,
        title: found === 'gone' ? `The registry login ${id} no longer exists` : `The Secret ${id} is no registry login`,
        detail: `The old template of ${by} names it in imagePullSecrets (${types[0]}); where a node does not have the image, its pull may be refused.`
      }
    ]
  })
  return each.flat()
}

/** By field selectors, so that the metadata alone is read, never the login. */
async function typeOf(
  { api }: KubernetesContext,
  namespace: string,
  name: string,
  signal: AbortSignal
): Promise<'login' | 'other' | 'gone' | 'unseen'> {
  const exists = async (more: string): Promise<boolean> => {
    const { items } = await api.list(
      {
        doing: `Reading secrets/${name}`,
        path: `/api/v1/namespaces/${namespace}/secrets`,
        query: { fieldSelector: `metadata.name=${name}${more}` },
        accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
        signal
      },
      metaOnlySchema
    )
    return items.length > 0
  }
  try {
    for (const type of types) if (await exists(`,type=${type}`)) return 'login'
    return (await exists('')) ? 'other' : 'gone'
  } catch (error) {
    if (isStatus(error, 403)) return 'unseen'
    throw error
  }
}
