import type { Risk } from '../../../model/observation.ts'
import { messageOf } from '../../../support/errors.ts'
import { anySignal } from '../../../support/limit.ts'
import type { Run } from '../../target.ts'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { type Address, addressText, collectionOf, pathOf, shortText } from '../objects/names.ts'
import { workloadSchema } from '../objects/objects.ts'
import type { Workload } from '../objects/workload.ts'
import { type Autoscaler, findAutoscalers } from '../preflight/controllers.ts'
import { readWorkload } from '../workloads/read.ts'
import type { HelmContent, HelmRevision } from './history.ts'
import { findObject } from './manifest.ts'

const withinMs = 15_000

/** How many replicas Helm sets: those of the manifest; 1, the API's default, where only the former manifest sets them. */
const setBy = (address: Address, to: HelmContent, from: HelmContent): number | undefined =>
  findObject(to.objects, address)?.replicas ??
  (findObject(from.objects, address)?.replicas === undefined ? undefined : 1)

/** Whether going from one content to the other, or back, sets the replicas of a workload that an autoscaler scales. */
export const isScaled = (address: Address, scalers: readonly Autoscaler[], a: HelmContent, b: HelmContent): boolean =>
  scalers.some((scaler) => addressText(scaler.address) === addressText(address)) &&
  [a, b].some(({ objects }) => findObject(objects, address)?.replicas !== undefined)

/** What Helm does to the number of replicas, which its manifest sets whatever has been set since. */
export function replicaRisks(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  scalers: readonly Autoscaler[],
  { from, to }: { from: HelmRevision; to: HelmRevision }
): Risk[] {
  return workloads.flatMap(({ address, object }): Risk[] => {
    const live = object.spec.replicas ?? 1
    const set = setBy(address, to.content, from.content)
    if (set === undefined) return []
    const name = shortText(address)
    const own = scalers.filter((scaler) => addressText(scaler.address) === addressText(address))
    if (own.length > 0)
      return own.map((scaler) => ({
        id: `hpa:${scaler.name}`,
        serious: false,
        title: `The autoscaler ${scaler.name} sets the replicas of ${name}, and so does Helm`,
        detail:
          set < live
            ? `Helm sets the ${set} of revision ${to.revision}; ${live} are set now. The same step puts the ${live} back at once.`
            : `Helm sets the ${set} of revision ${to.revision}; ${live} are set now. The autoscaler changes that again.`
      }))
    return set >= live
      ? []
      : [
          {
            id: `helm_replicas:${addressText(address)}`,
            serious: true,
            title: `Helm scales ${name} down from ${live} to ${set} replicas`,
            detail: `Revision ${to.revision} sets ${set}. If it needs ${live}, scale it right after the rollback: "${scaleBack(cluster, { address, replicas: live })}".`
          }
        ]
  })
}

interface Scaled {
  address: Address
  /** What is set, or what its autoscaler wants. */
  replicas: number
  /** What Helm sets, which is less. */
  lowered: number
}

export interface Kept {
  /** One line for each workload whose number was put back. */
  kept: string[]
  remains: string[]
}

/** Lets Helm work, and puts the number of replicas of workloads with an autoscaler back as soon as Helm has lowered it. */
export async function keepReplicas(
  cluster: KubernetesContext,
  addresses: readonly Address[],
  { from, to }: { from: HelmContent; to: HelmContent },
  run: Run,
  work: () => Promise<void>
): Promise<Kept> {
  const scaled = (await inParallel(addresses, 12, (address) => wantedOf(cluster, address, run.signal))).flatMap(
    ({ address, replicas }): Scaled[] => {
      const lowered = setBy(address, to, from) ?? replicas
      return lowered < replicas ? [{ address, replicas, lowered }] : []
    }
  )
  const end = new AbortController()
  const watching = scaled.map((one) => putBackWhenLowered(cluster, one, anySignal(run.signal, end.signal)))
  try {
    await work()
  } finally {
    end.abort()
  }
  // Also what the watch has missed.
  const result: Kept = { kept: [], remains: [] }
  for (const [index, one] of scaled.entries()) {
    const name = shortText(one.address)
    try {
      if ((await watching[index]) || (await putBack(cluster, one, run.signal)))
        result.kept.push(`${name} keeps its ${one.replicas} replicas`)
    } catch (error) {
      result.remains.push(
        `${name} has ${one.lowered} replicas (${messageOf(error)}). Manually: ${scaleBack(cluster, one)}`
      )
    }
  }
  return result
}

/** What is set now; after an interruption it may be lowered already, and the autoscaler still knows what it wanted. */
async function wantedOf(
  cluster: KubernetesContext,
  address: Address,
  signal: AbortSignal
): Promise<Pick<Scaled, 'address' | 'replicas'>> {
  const object = await readWorkload(cluster, address, signal)
  const scalers = await findAutoscalers(cluster, [{ address }], signal)
  return { address, replicas: Math.max(object.spec.replicas ?? 1, ...scalers.map(({ wants }) => wants)) }
}

/** Whether it was lowered, and put back, before `signal` aborted. */
async function putBackWhenLowered(cluster: KubernetesContext, one: Scaled, signal: AbortSignal): Promise<boolean> {
  const { kind, namespace, name } = one.address
  let result: Promise<boolean> | null = null
  await cluster.lists.workloads
    .follow(
      {
        doing: `Watching ${addressText(one.address)}`,
        path: collectionOf(kind, namespace),
        query: { fieldSelector: `metadata.name=${name}` }
      },
      {
        wants: () => true,
        tell([object]) {
          if (object?.spec.replicas !== one.lowered) return
          // Helm's time may be up at the same moment.
          result ??= putBack(cluster, one, AbortSignal.timeout(withinMs)).catch(() => false)
        }
      },
      signal
    )
    .catch(() => undefined)
  return (await result) ?? false
}

/** Only upwards, and only what Helm has set: false where it is another number by now. */
const putBack = (
  { api }: KubernetesContext,
  { address, replicas, lowered }: Scaled,
  signal: AbortSignal
): Promise<boolean> =>
  api
    .send(
      {
        doing: `Scaling ${addressText(address)} back to ${replicas}`,
        method: 'PATCH',
        path: pathOf(address),
        query: { fieldManager: 'pop-deploy-rollback' },
        contentType: 'application/json-patch+json',
        body: [
          { op: 'test', path: '/spec/replicas', value: lowered },
          { op: 'replace', path: '/spec/replicas', value: replicas }
        ],
        signal
      },
      workloadSchema
    )
    .then(() => true, orOn(false, 422))

const scaleBack = (
  { kubectl }: KubernetesContext,
  { address, replicas }: Pick<Scaled, 'address' | 'replicas'>
): string => `${kubectl} -n ${address.namespace} scale ${shortText(address)} --replicas=${replicas}`
