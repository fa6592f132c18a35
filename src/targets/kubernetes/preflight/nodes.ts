import { z } from 'zod'
import { orOn } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import { metadataSchema, part } from '../objects/objects.ts'
import { amountsSchema } from '../objects/pod-size.ts'

const nodeSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z
    .looseObject({
      unschedulable: z.boolean().nullish(),
      taints: z.array(z.looseObject({ key: z.string(), value: z.string().nullish(), effect: z.string() })).nullish()
    })
    .default({}),
  status: z
    .looseObject({
      images: z.array(z.looseObject({ names: z.array(z.string()).nullish() })).nullish(),
      allocatable: amountsSchema
    })
    .default({})
})
export type Node = z.infer<typeof nodeSchema>

/** Every node of the cluster; null without the right to read them. */
export const readNodes = ({ api }: KubernetesContext, signal: AbortSignal): Promise<Node[] | null> =>
  api
    .list({ doing: 'Reading the nodes', path: '/api/v1/nodes', signal }, nodeSchema)
    .then(({ items }) => items, orOn(null, 403))

/** What says that nodes are added for pods that fit on none: Cluster Autoscaler or Karpenter. */
export async function autoscalerOf(
  { api }: KubernetesContext,
  nodes: readonly Node[],
  signal: AbortSignal
): Promise<'there' | 'none' | 'unknown'> {
  const isMarked = nodes.some(
    ({ metadata, spec }) =>
      Object.keys({ ...metadata.labels, ...metadata.annotations }).some((key) => scalerMark.test(key)) ||
      spec.taints?.some(({ key }) => key.endsWith('ClusterAutoscaler'))
  )
  if (isMarked) return 'there'
  const places = ['/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status', '/apis/karpenter.sh']
  const found = await Promise.all(
    places.map((path) =>
      api
        .find({ doing: 'Looking for an autoscaler of nodes', path, signal }, part({}))
        .catch(orOn('unread' as const, 403))
    )
  )
  if (found.some((one) => one !== null && one !== 'unread')) return 'there'
  return found.includes('unread') ? 'unknown' : 'none'
}

const scalerMark = /^(karpenter\.sh|cluster-autoscaler\.kubernetes\.io)\//
