import type { z } from 'zod'
import { ConfigError, TargetError } from '../../../support/errors.ts'
import { isMadeOf, isRollout } from '../argo/state.ts'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import {
  type Address,
  addressText,
  collectionOf,
  kinds,
  parseAddress,
  pathOf,
  resources,
  revisionsOf
} from '../objects/names.ts'
import {
  controllerRevisionSchema,
  type Pod,
  podSchema,
  replicaSetSchema,
  type Selector,
  type WorkloadObject,
  workloadSchema
} from '../objects/objects.ts'
import { isOf, isUnready } from '../objects/pods.ts'
import { type Revision, revisionOfController, revisionOfReplicaSet } from '../objects/revision.ts'
import { selectorText } from '../objects/selector.ts'
import { covers, hideEnvironment, templateHash } from '../objects/template.ts'
import type { Workload } from '../objects/workload.ts'

const atOnce = 12

/** Reads every configured workload. @throws ConfigError when none is named; TargetError when one does not exist. */
export async function readWorkloads(cluster: KubernetesContext, signal: AbortSignal): Promise<Workload[]> {
  const objects = await findObjects(cluster, signal)
  const alone = objects.length <= 2
  const shared = new Map<string, Promise<unknown>>()
  /** One namespace's list is read once for all workloads in it, unless there are so few that separate lists are shorter. */
  const listed = async <T>(path: string, item: z.ZodType<T>, doing: string, selector: Selector): Promise<T[]> => {
    const read = (labelSelector?: string): Promise<T[]> =>
      cluster.api.list({ doing, path, query: { labelSelector }, signal }, item).then(({ items }) => items)
    if (alone) return read(selectorText(selector))
    const known = shared.get(path) ?? read()
    shared.set(path, known)
    return (await known) as T[]
  }
  return inParallel(objects, atOnce, async ({ address, object }) => {
    const { kind, namespace } = address
    const { selector } = object.spec
    const apps = `/apis/apps/v1/namespaces/${namespace}`
    const [sets, controllers, pods] = await Promise.all([
      revisionsOf(kind) === 'replicasets'
        ? listed(`${apps}/replicasets`, replicaSetSchema, `Reading the ReplicaSets in ${namespace}`, selector)
        : [],
      revisionsOf(kind) === 'replicasets'
        ? []
        : listed(
            `${apps}/controllerrevisions`,
            controllerRevisionSchema,
            `Reading the ControllerRevisions in ${namespace}`,
            selector
          ),
      listed(`/api/v1/namespaces/${namespace}/pods`, podSchema, `Reading the pods in ${namespace}`, selector).catch(
        orOn(null, 403)
      )
    ])
    const mine = <T extends { metadata: WorkloadObject['metadata'] }>(items: readonly T[], uids: Set<string>): T[] =>
      items.filter(({ metadata }) =>
        metadata.ownerReferences?.some(({ uid, controller }) => controller && uids.has(uid))
      )
    const own = new Set([object.metadata.uid])
    const revisions = [
      ...mine(sets, own).map((set) => revisionOfReplicaSet(set, cluster.config.container)),
      ...mine(controllers, own).map((one) => revisionOfController(one, cluster.config.container))
    ].sort((a, b) => b.number - a.number)
    const names = [...revisions, ...(pods ?? []).map(({ metadata }) => metadata)].map(({ name }) => name)
    for (const name of [addressText(address), ...names]) cluster.mask.spare(name)
    for (const { template } of [object.spec, ...revisions]) hideEnvironment(template, cluster.mask)
    const byControllers = revisionsOf(kind) === 'controllerrevisions'
    const owners = !byControllers ? new Set(revisions.map(({ uid }) => uid)) : own
    if (byControllers && pods) for (const revision of revisions) countPods(revision, address, mine(pods, own))
    const named = namedCurrent(object, revisions)
    const template = object.spec.workloadRef ? (named?.template ?? object.spec.template) : object.spec.template
    const hash = templateHash(template)
    return {
      address,
      object: { ...object, spec: { ...object.spec, template } },
      hash,
      revisions,
      current: revisions.find((revision) => revision.hash === hash) ?? named,
      pods: pods && mine(pods, owners),
      readAt: cluster.api.now()
    }
  })
}

/** A ControllerRevision does not count its pods; their labels do. */
function countPods(revision: Revision, { name }: Address, pods: readonly Pod[]): void {
  const its = pods.filter((pod) => isOf(pod, { name, to: { revision: revision.name, hash: '' } }))
  revision.replicas = its.length
  revision.available = its.filter((pod) => !isUnready(pod) && !pod.metadata.deletionTimestamp).length
}

/**
 * A server's upgrade may have added defaults since the revision was created; then the controller's own status counts. Of a paused
 * Deployment it says nothing: its newest revision is not its template, which has no revision yet. Neither has one whose old pods are
 * still ending (Recreate): none of its pods is of its template, and another template than that of the newest revision shows.
 */
function namedCurrent({ metadata, spec, status }: WorkloadObject, revisions: readonly Revision[]): Revision | null {
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return null
  if (isRollout({ spec })) return revisions.find(({ name }) => isMadeOf({ metadata, spec, status }, name)) ?? null
  if (status.updateRevision) return revisions.find(({ name }) => name === status.updateRevision) ?? null
  const [newest] = revisions
  if (!newest || spec.paused) return null
  const waits = spec.strategy?.type === 'Recreate' && (status.updatedReplicas ?? 0) === 0 && (status.replicas ?? 0) > 0
  const isAlike = covers(spec.template, newest.template) || covers(newest.template, spec.template)
  return waits || !isAlike ? null : newest
}

export const readWorkload = (
  { api }: KubernetesContext,
  address: Address,
  signal: AbortSignal
): Promise<WorkloadObject> =>
  api.send({ doing: `Reading ${addressText(address)}`, path: pathOf(address), signal }, workloadSchema)

/** Every namespace that the configuration names. */
export const configuredNamespaces = ({ config, namespace }: KubernetesContext): string[] => [
  ...new Set(config.workloads?.map((text) => parseAddress(text, namespace).namespace) ?? [namespace])
]

/** The configured workloads, without reading more of them than needed to find them. */
export const addressesOf = async (cluster: KubernetesContext, signal: AbortSignal): Promise<Address[]> =>
  cluster.config.workloads
    ? namedAddresses(cluster.config.workloads, cluster.namespace)
    : (await findObjects(cluster, signal)).map(({ address }) => address)

const namedAddresses = (workloads: readonly string[], namespace: string): Address[] => {
  const addresses = workloads.map((text) => parseAddress(text, namespace))
  return [...new Map(addresses.map((address) => [addressText(address), address])).values()]
}

interface Found {
  address: Address
  object: WorkloadObject
}

/** From this many of one kind and namespace on, one list of them is less work than one request for each. */
const listedFrom = 5

/** Each of some workloads. What a list does not have, or these rights do not allow listing, is read by its name. */
async function readNamed(
  cluster: KubernetesContext,
  addresses: readonly Address[],
  signal: AbortSignal
): Promise<Found[]> {
  const collections = addresses.map(({ kind, namespace }) => collectionOf(kind, namespace))
  const many = [...new Set(collections)].filter(
    (path) => collections.filter((one) => one === path).length >= listedFrom
  )
  const lists = await inParallel(many, atOnce, async (path) => {
    const request = { doing: 'Reading the workloads', path, signal }
    const { items } = await cluster.api.list(request, workloadSchema).catch(orOn({ items: [] }, 403, 404))
    return items.map((object): [string, WorkloadObject] => [`${path}/${object.metadata.name}`, object])
  })
  const listed = new Map(lists.flat())
  return inParallel(addresses, atOnce, async (address) => ({
    address,
    object: listed.get(pathOf(address)) ?? (await readWorkload(cluster, address, signal))
  }))
}

async function findObjects(cluster: KubernetesContext, signal: AbortSignal): Promise<Found[]> {
  const { config, namespace } = cluster
  if (config.workloads) return readNamed(cluster, namedAddresses(config.workloads, namespace), signal)
  if (!config.selector)
    throw new ConfigError({
      what: 'No workloads are configured',
      why: 'targets.kubernetes.config in deploy.json names neither workloads nor a selector',
      next: 'Set "workloads": ["deployment/web"] or "selector": "app=web" there.',
      code: 'no_workloads'
    })
  const found = await inParallel(kinds, kinds.length, async (kind) => {
    const path = collectionOf(kind, namespace)
    const query = { labelSelector: config.selector ?? undefined }
    const doing = `Reading the ${resources[kind].plural} in ${namespace}`
    const { items } = await cluster.api.list({ doing, path, query, signal }, workloadSchema).catch((error: unknown) => {
      // Without Argo Rollouts there is no such kind, and few identities have rights to it.
      if (kind === 'rollout') return orOn({ items: [] }, 403, 404)(error)
      throw error
    })
    return items.map((object) => ({ address: { kind, namespace, name: object.metadata.name }, object }))
  })
  const all = found.flat().sort((a, b) => addressText(a.address).localeCompare(addressText(b.address)))
  if (all.length > 0) return all
  throw new TargetError({
    what: 'There is no workload to roll back',
    why: `nothing in the namespace ${namespace} matches the selector ${config.selector}`,
    next: `Correct the selector or the namespace in deploy.json; "${cluster.kubectl} -n ${namespace} get deploy,sts,ds --show-labels" lists the workloads.`,
    code: 'not_found'
  })
}
