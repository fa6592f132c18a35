import { z } from 'zod'
import type { Risk } from '../../../model/observation.ts'
import { orOn } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import type { Pod } from '../objects/objects.ts'
import { type Amounts, type PodSpec, podSpecSchema, quantity, quantityText, sizeOf } from '../objects/pod-size.ts'
import { isFinished } from '../objects/pods.ts'
import { rolloutOf } from '../workloads/health.ts'
import { type Findings, joined } from './findings.ts'
import { autoscalerOf, type Node } from './nodes.ts'
import { unfitReason } from './placement.ts'
import { needsPods, type PodDryRuns } from './pod-dry-run.ts'
import { surgeOf } from './quota.ts'

/** More pods than this take longer to read than somebody in an outage should wait. */
const mostPods = 500

const placedSchema = z.looseObject({ spec: podSpecSchema.extend({ nodeName: z.string().nullish() }) })
const pageSchema = z.looseObject({
  metadata: z.looseObject({ continue: z.string().nullish() }).default({}),
  items: z.array(placedSchema).nullish()
})

/** What is left of each node, by its name and by resource. */
type Room = Map<string, Amounts>

/** Whether the nodes have room for the pods that the rollback creates: what they can give, less what the pods on them request. */
export async function examineRoom(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  { reading, dryRuns }: { reading: Promise<Node[] | null>; dryRuns: Promise<PodDryRuns> },
  signal: AbortSignal
): Promise<Findings> {
  // The pods of a DaemonSet have one node each.
  const coming = changes.filter((change) => needsPods(change) && change.move.kind !== 'daemonset')
  if (coming.length === 0) return joined([])
  const [nodes, tried, page] = await Promise.all([reading, dryRuns, podsOfNodes(cluster, signal)])
  if (!nodes) return joined([])
  if (!page) return unchecked('These rights do not allow reading the pods of all namespaces')
  if (page.metadata.continue) return unchecked(`More than ${mostPods} pods run in this cluster`)
  const room = roomOf(nodes, page.items ?? [])
  const lacking = coming.flatMap((change) => {
    const spec = tried.get(change)?.spec
    const lack = spec && lackOf(change, spec, nodes, room)
    return lack ? [{ change, lack, mayPreempt: Boolean(spec.priorityClassName) }] : []
  })
  if (lacking.length === 0) return joined([])
  const scaler = await autoscalerOf(cluster, nodes, signal)
  const risks = lacking.map(
    ({ change, lack, mayPreempt }): Risk => ({
      id: `no_room:${addressText(change.move)}`,
      serious: scaler === 'none' && !mayPreempt,
      title: lack.title,
      detail: `${lack.detail}.${scaler === 'there' ? ' An autoscaler may add a node.' : ''}${mayPreempt ? ' Its priority may displace other pods.' : ''}`
    })
  )
  return joined([{ risks }])
}

const unchecked = (why: string): Findings =>
  joined([{ notes: [`${why}, so whether the nodes have room for the pods is not checked.`] }])

/** Those that use a node's room; null without the right to read them. */
const podsOfNodes = ({ api }: KubernetesContext, signal: AbortSignal) =>
  api
    .find(
      {
        doing: 'Reading the pods of all nodes',
        path: '/api/v1/pods',
        query: { limit: mostPods, fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' },
        signal
      },
      pageSchema
    )
    .catch(orOn(null, 403))

function roomOf(nodes: readonly Node[], pods: readonly z.infer<typeof placedSchema>[]): Room {
  const room: Room = new Map(
    nodes.map(({ metadata, status }) => [
      metadata.name,
      Object.fromEntries(
        Object.entries(status.allocatable ?? {}).map(([name, text]) => [
          name,
          quantity(text) ?? Number.POSITIVE_INFINITY
        ])
      )
    ])
  )
  for (const { spec } of pods) take(room, spec.nodeName, spec, 1)
  return room
}

/** Takes the requests of some such pods from a node, or gives them back. */
function take(room: Room, node: string | null | undefined, spec: PodSpec, pods: number): void {
  const left = room.get(node ?? '')
  if (!left) return
  for (const [name, value] of requestsOf(spec)) if (left[name] !== undefined) left[name] -= value * pods
}

const requestsOf = (spec: PodSpec): [string, number][] => [
  ['pods', 1],
  ...Object.entries(sizeOf(spec)).flatMap(([name, value]): [string, number][] =>
    name.startsWith('requests.') ? [[name.slice('requests.'.length), value]] : []
  )
]

/** Amounts are sums of fractions (300m of a core), which are not exact. */
const roundingError = 1e-9

const fits = (left: Amounts | undefined, needs: readonly [string, number][]): boolean =>
  needs.every(([name, value]) => left?.[name] === undefined || value <= left[name] + roundingError)

/** Places pods wherever there is room, and returns how many found some. */
function place(room: Room, nodes: readonly Node[], spec: PodSpec, wanted: number): number {
  const needs = requestsOf(spec)
  let placed = 0
  for (const { metadata } of nodes)
    while (placed < wanted && fits(room.get(metadata.name), needs)) {
      take(room, metadata.name, spec, 1)
      placed++
    }
  return placed
}

const copy = (room: Room): Room => new Map([...room].map(([name, left]) => [name, { ...left }]))

/** What a change lacks; `room` is afterwards what it leaves to the next one. */
function lackOf(
  { workload: { object, pods }, revision, move }: WorkloadChange,
  spec: PodSpec,
  nodes: readonly Node[],
  room: Room
): { title: string; detail: string } | null {
  const fitting = nodes.filter((node) => !node.spec.unschedulable && unfitReason(node, spec, []) === null)
  // That no node can ever take them is said elsewhere.
  if (!pods || fitting.length === 0) return null
  const living = pods.filter((pod) => !isFinished(pod))
  const { leaving, coming, surge, mayLeaveFirst } = surgeOf(object, move, rolloutOf(object).wanted, living)
  const atFirst = place(copy(room), fitting, spec, surge)
  const before = numbers(room, fitting, spec)
  for (const pod of leaving) take(room, nodeOf(pod), podSpecSchema.parse(pod.spec), -1)
  const after = numbers(room, fitting, spec)
  const placed = place(room, fitting, spec, coming)
  const what = `of revision ${revision.number} of ${shortText(move)}`
  if (placed < coming)
    return {
      title: `The nodes have room for ${placed} of the ${coming} pods ${what}`,
      detail: `Once every old pod is gone, ${after}`
    }
  if (surge === 0 || atFirst > 0 || mayLeaveFirst) return null
  return {
    title: `No node has room for one more pod ${what}`,
    detail: `Now ${before}, and no old pod may stop before a new one is available (maxUnavailable), so the rollout would stand still`
  }
}

const nodeOf = ({ spec }: Pod): string | null | undefined => spec.nodeName

/** "the emptiest of 3 nodes has 200m of cpu left, 500m requested", of what no node has enough of; else of all that is requested. */
function numbers(room: Room, nodes: readonly Node[], spec: PodSpec): string {
  const each = requestsOf(spec).flatMap(([name, need]) => {
    const left = nodes.flatMap(({ metadata }) => room.get(metadata.name)?.[name] ?? [])
    const most = Math.max(...left)
    return left.length > 0 && need > 0
      ? [{ name, need, most: Math.max(0, most), isShort: need > most + roundingError }]
      : []
  })
  const short = each.filter(({ isShort }) => isShort)
  const texts = (short.length > 0 ? short : each).map(
    ({ name, need, most }) => `${quantityText(most, name)} of ${name} left (${quantityText(need, name)} requested)`
  )
  return `the emptiest of ${nodes.length} nodes that fit has ${texts.join(' and ')}`
}
