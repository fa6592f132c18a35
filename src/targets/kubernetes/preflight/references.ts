import { z } from 'zod'
import type { Blocker, Risk } from '../../../model/observation.ts'
import { isStatus } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { addressText } from '../objects/names.ts'
import { type MetaOnly, metaOnlySchema, type Template } from '../objects/objects.ts'
import type { Revision } from '../objects/revision.ts'
import type { Way } from '../workloads/plan.ts'
import type { Workload } from '../workloads/read.ts'

type Resource = 'configmaps' | 'secrets' | 'serviceaccounts' | 'persistentvolumeclaims'

export interface Reference {
  resource: Resource
  name: string
  /** A pod starts without it. */
  optional: boolean
}

const named = z.looseObject({ name: z.string().optional(), optional: z.boolean().nullish() }).nullish()
const keyRefSchema = z.looseObject({ configMapKeyRef: named, secretKeyRef: named })
const secretVolume = z.looseObject({ secretName: z.string().optional(), optional: z.boolean().nullish() }).nullish()
const volumeSchema = z.looseObject({
  configMap: named,
  secret: secretVolume,
  persistentVolumeClaim: z.looseObject({ claimName: z.string() }).nullish(),
  projected: z.looseObject({ sources: z.array(z.looseObject({ configMap: named, secret: named })).nullish() }).nullish()
})

/** What a pod template names and cannot start without, once each. */
export function referencesOf({ spec }: Template): Reference[] {
  const found: Reference[] = []
  const add = (resource: Resource, name: string | undefined, optional?: boolean | null): void => {
    if (name) found.push({ resource, name, optional: optional === true })
  }
  for (const { env, envFrom } of [...spec.containers, ...(spec.initContainers ?? [])]) {
    for (const { valueFrom } of env ?? []) {
      const { data } = keyRefSchema.safeParse(valueFrom ?? {})
      add('configmaps', data?.configMapKeyRef?.name, data?.configMapKeyRef?.optional)
      add('secrets', data?.secretKeyRef?.name, data?.secretKeyRef?.optional)
    }
    for (const { configMapRef, secretRef } of envFrom ?? []) {
      add('configmaps', configMapRef?.name, configMapRef?.optional)
      add('secrets', secretRef?.name, secretRef?.optional)
    }
  }
  for (const volume of spec.volumes ?? []) {
    const { data } = volumeSchema.safeParse(volume)
    add('configmaps', data?.configMap?.name, data?.configMap?.optional)
    add('secrets', data?.secret?.secretName, data?.secret?.optional)
    add('persistentvolumeclaims', data?.persistentVolumeClaim?.claimName)
    for (const { configMap, secret } of data?.projected?.sources ?? []) {
      add('configmaps', configMap?.name, configMap?.optional)
      add('secrets', secret?.name, secret?.optional)
    }
  }
  for (const { name } of spec.imagePullSecrets ?? []) add('secrets', name, true)
  if (spec.serviceAccountName && spec.serviceAccountName !== 'default') add('serviceaccounts', spec.serviceAccountName)
  const required = [...found].sort((a, b) => Number(b.optional) - Number(a.optional))
  return [...new Map(required.map((one) => [`${one.resource}/${one.name}`, one])).values()]
}

export interface Examined {
  blockers: Blocker[]
  risks: Risk[]
}

/** Whether what the old templates name is still there, and whether it changed since they served. Reads metadata alone. */
export async function examineReferences(
  cluster: KubernetesContext,
  pairs: readonly { workload: Workload; revision: Revision }[],
  signal: AbortSignal
): Promise<Examined> {
  const known = new Map<string, Promise<MetaOnly | null | 'forbidden'>>()
  const result: Examined = { blockers: [], risks: [] }
  const read = (key: string, namespace: string, reference: Reference): Promise<MetaOnly | null | 'forbidden'> => {
    const reading = known.get(key) ?? readMetadata(cluster, namespace, reference, signal)
    known.set(key, reading)
    return reading
  }
  const found = await inParallel(pairs, 12, ({ workload, revision }) =>
    Promise.all(
      referencesOf(revision.template).map(async (reference) => {
        const key = `${reference.resource}/${workload.address.namespace}/${reference.name}`
        const object = await read(key, workload.address.namespace, reference)
        return { key, reference, object, workload, revision }
      })
    )
  )
  for (const { key, reference, object, workload, revision } of found.flat())
    judge(result, key, reference, object, workload, revision)
  return result
}

function judge(
  { blockers, risks }: Examined,
  key: string,
  { optional, resource }: Reference,
  object: MetaOnly | null | 'forbidden',
  workload: Workload,
  revision: Revision
): void {
  const of = `revision ${revision.number} of ${addressText(workload.address)}`
  if (object === 'forbidden') {
    if (!risks.some(({ id }) => id === `unseen:${key}`))
      risks.push({
        id: `unseen:${key}`,
        serious: false,
        title: `Whether ${key} still exists may not be read`,
        detail: `${of} names it, and its pods start only with it.`
      })
  } else if (object === null) {
    if (!optional)
      blockers.push({
        id: `missing:${key}`,
        what: `${key} no longer exists`,
        why: `${of} names it, and its pods would not start without it`,
        next: 'Create it again, or go back to another version.'
      })
  } else if (resource === 'configmaps' || resource === 'secrets') {
    const changedAt = lastChange(object)
    const servedUntil = supersededAt(workload, revision)
    if (servedUntil && changedAt && changedAt > servedUntil && !risks.some(({ id }) => id === `config_changed:${key}`))
      risks.push({
        id: `config_changed:${key}`,
        serious: true,
        title: `${key} was changed since ${of} served`,
        detail: `It was changed at ${changedAt}; that revision was superseded at ${servedUntil}. A rollback does not bring its former content back.`
      })
  }
}

/** When the next revision was made, where that is known. */
export const supersededAt = ({ revisions }: Workload, { number, createdAt }: Revision): string | undefined => {
  const next = revisions.filter((one) => one.number > number).at(-1)?.createdAt
  return next && next > (createdAt ?? '') ? next : undefined
}

/** When an object was last written to, as its managed fields tell. */
function lastChange({ metadata }: MetaOnly): string | undefined {
  const times = (metadata.managedFields ?? []).flatMap(({ time }) => (time ? [time] : []))
  const last = [...times, metadata.creationTimestamp ?? ''].sort().at(-1)
  return last ? new Date(last).toISOString() : undefined
}

async function readMetadata(
  { api }: KubernetesContext,
  namespace: string,
  { resource, name }: Reference,
  signal: AbortSignal
): Promise<MetaOnly | null | 'forbidden'> {
  try {
    return await api.find(
      {
        doing: `Reading ${resource}/${name}`,
        path: `/api/v1/namespaces/${namespace}/${resource}/${name}`,
        accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
        signal
      },
      metaOnlySchema
    )
  } catch (error) {
    if (isStatus(error, 403)) return 'forbidden'
    throw error
  }
}

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
