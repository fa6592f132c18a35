import { z } from 'zod'
import { part, termSchema } from '../objects/objects.ts'
import { type PodSpec, quantity, quantityText, sizeOf } from '../objects/pod-size.ts'
import { matches } from '../objects/selector.ts'
import type { Node } from './nodes.ts'

const text = z.string().nullish()
const expressions = z.array(termSchema).nullish()

/** Which nodes are required: one term must match, with all that it names. */
export const nodeTermsSchema = part({
  nodeSelectorTerms: z.array(z.looseObject({ matchExpressions: expressions, matchFields: expressions }))
})
export type NodeTerms = z.infer<typeof nodeTermsSchema>

const placementSchema = z.looseObject({
  nodeName: text,
  schedulerName: text,
  nodeSelector: z.record(z.string(), z.string()).nullish(),
  affinity: part({
    nodeAffinity: part({ requiredDuringSchedulingIgnoredDuringExecution: nodeTermsSchema }),
    podAffinity: part({
      requiredDuringSchedulingIgnoredDuringExecution: z.array(z.looseObject({ topologyKey: z.string() })).nullish()
    })
  }),
  tolerations: z.array(z.looseObject({ key: text, operator: text, value: text, effect: text })).nullish(),
  topologySpreadConstraints: z.array(z.looseObject({ topologyKey: z.string(), whenUnsatisfiable: text })).nullish()
})

/** A node affinity that a volume of the pod has. */
export interface VolumeTerms {
  claim: string
  terms: NodeTerms
}

/**
 * Why a node never takes such a pod, however empty it is; null where it may. By what the scheduler filters with (kubernetes.io,
 * "Assigning Pods to Nodes", "Taints and Tolerations", "Pod Topology Spread Constraints").
 */
export function unfitReason(node: Node, spec: PodSpec, volumes: readonly VolumeTerms[]): string | null {
  const { nodeName, schedulerName, nodeSelector, affinity, tolerations, topologySpreadConstraints } =
    placementSchema.parse(spec)
  const labels = node.metadata.labels ?? {}
  // Other schedulers have rules of their own, and some make a node for each pod.
  if (schedulerName && schedulerName !== 'default-scheduler') return null
  // A pod that names its node passes by the scheduler.
  if (nodeName) return nodeName === node.metadata.name ? null : `not ${nodeName}`
  const lacking = Object.entries(nodeSelector ?? {}).find(([key, value]) => labels[key] !== value)
  if (lacking) return `no label ${lacking.join('=')}`
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (!meets(node, required)) return `node affinity not met: ${termsText(required)}`
  const beyond = volumes.find(({ terms }) => !meets(node, terms))
  if (beyond) return `volume of ${beyond.claim} is out of reach: ${termsText(beyond.terms)}`
  const topologies = [
    ...(affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable !== 'ScheduleAnyway')
  ]
  const unlabelled = topologies.find(({ topologyKey }) => labels[topologyKey] === undefined)
  if (unlabelled) return `no label ${unlabelled.topologyKey}`
  const taints = [
    ...(node.spec.taints ?? []),
    ...(node.spec.unschedulable ? [{ key: 'node.kubernetes.io/unschedulable', value: null, effect: 'NoSchedule' }] : [])
  ]
  const taint = taints.find(
    (one) => one.effect !== 'PreferNoSchedule' && !(tolerations ?? []).some((each) => tolerates(each, one))
  )
  if (taint) return `taint ${taint.key}${taint.value ? `=${taint.value}` : ''}:${taint.effect}`
  return tooSmall(node, spec)
}

type Toleration = NonNullable<z.infer<typeof placementSchema>['tolerations']>[number]
type Taint = NonNullable<Node['spec']['taints']>[number]

const tolerates = ({ key, operator, value, effect }: Toleration, taint: Taint): boolean =>
  (!effect || effect === taint.effect) &&
  (!key ? operator === 'Exists' : key === taint.key && (operator === 'Exists' || (value ?? '') === (taint.value ?? '')))

function meets({ metadata }: Node, terms: NodeTerms): boolean {
  if (!terms) return true
  const holds =
    (from: Record<string, string>) =>
    (term: z.infer<typeof termSchema>): boolean => {
      const is = Number(from[term.key] ?? Number.NaN)
      if (term.operator === 'Gt') return is > Number(term.values?.[0])
      if (term.operator === 'Lt') return is < Number(term.values?.[0])
      return matches({ matchExpressions: [term] }, from)
    }
  return terms.nodeSelectorTerms.some(
    ({ matchExpressions, matchFields }) =>
      (matchExpressions?.length || matchFields?.length) &&
      (matchExpressions ?? []).every(holds(metadata.labels ?? {})) &&
      (matchFields ?? []).every(holds({ 'metadata.name': metadata.name }))
  )
}

const termsText = (terms: NodeTerms): string =>
  (terms?.nodeSelectorTerms ?? [])
    .map(({ matchExpressions, matchFields }) =>
      [...(matchExpressions ?? []), ...(matchFields ?? [])]
        .map(({ key, operator, values }) => [key, operator, ...(values?.length ? [values.join('|')] : [])].join(' '))
        .join(', ')
    )
    .join(' or ')

/** What one pod requests against the whole node; what others use of it changes from moment to moment. */
function tooSmall({ status }: Node, spec: PodSpec): string | null {
  const size = sizeOf(spec)
  for (const [name, text] of Object.entries(status.allocatable ?? {})) {
    const [need = 0, has] = [size[`requests.${name}`], quantity(text)]
    if (has !== null && need > has)
      return `only ${quantityText(has, name)} of ${name} in all, ${quantityText(need, name)} requested`
  }
  const extended = Object.keys(size).find(
    (key) => /^requests\..*\//.test(key) && status.allocatable?.[key.slice('requests.'.length)] === undefined
  )
  return extended && status.allocatable ? `no ${extended.slice('requests.'.length)}` : null
}
