import { z } from 'zod'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText } from '../objects/names.ts'
import { type MetaOnly, metadataAlone, metaOnlySchema, part, type Template } from '../objects/objects.ts'
import type { Revision } from '../objects/revision.ts'
import type { Workload } from '../objects/workload.ts'
import { type ConfigUse, configRisks } from './config-changes.ts'
import { type Findings, joined } from './findings.ts'

type Resource = 'configmaps' | 'secrets' | 'serviceaccounts' | 'persistentvolumeclaims'

interface Reference {
  resource: Resource
  name: string
  /** A pod starts without it. */
  optional: boolean
}

const named = part({ name: z.string().optional(), optional: z.boolean().nullish() })
const keyRefSchema = z.looseObject({ configMapKeyRef: named, secretKeyRef: named })
const volumeSchema = z.looseObject({
  configMap: named,
  secret: part({ secretName: z.string().optional(), optional: z.boolean().nullish() }),
  persistentVolumeClaim: part({ claimName: z.string() }),
  projected: part({ sources: z.array(z.looseObject({ configMap: named, secret: named })).nullish() })
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

/** Whether the objects that the old templates name still exist, and whether they changed since they served. Reads metadata alone. */
export async function examineReferences(
  cluster: KubernetesContext,
  changes: readonly WorkloadChange[],
  signal: AbortSignal
): Promise<Findings> {
  const known = new Map<string, Promise<MetaOnly | null | 'forbidden'>>()
  const result = joined([])
  const read = (key: string, namespace: string, reference: Reference): Promise<MetaOnly | null | 'forbidden'> => {
    const reading = known.get(key) ?? readMetadata(cluster, namespace, reference, signal)
    known.set(key, reading)
    return reading
  }
  const found = await inParallel(changes, 12, ({ workload, revision }) =>
    Promise.all(
      referencesOf(revision.template).map(async (reference) => {
        const key = `${reference.resource}/${workload.address.namespace}/${reference.name}`
        const object = await read(key, workload.address.namespace, reference)
        return { key, reference, object, workload, revision }
      })
    )
  )
  for (const { key, reference, object, workload, revision } of found.flat())
    addFindings(result, key, reference, object, workload, revision)
  result.risks.push(...(await configRisks(cluster, found.flat().flatMap(configUse), signal)))
  return result
}

interface Found {
  key: string
  reference: Reference
  object: MetaOnly | null | 'forbidden'
  workload: Workload
  revision: Revision
}

export const isConfig = ({ resource }: Reference): boolean => resource === 'configmaps' || resource === 'secrets'

function configUse({ key, reference, object, workload, revision }: Found): ConfigUse[] {
  if (!isConfig(reference) || object === null || object === 'forbidden') return []
  const name = referenceText(reference)
  const isShared = referencesOf(workload.object.spec.template).some((one) => referenceText(one) === name)
  return [{ key, name, object, workload, revision, isShared }]
}

export const referenceText = ({ resource, name }: Reference): string => `${resource}/${name}`

function addFindings(
  { blockers, risks }: Findings,
  key: string,
  { optional }: Reference,
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
        title: `Whether ${key} still exists is unknown`,
        detail: `${of} names it, and its pods start only with it. These rights do not allow reading it.`
      })
  } else if (object === null) {
    if (!optional)
      blockers.push({
        id: `missing:${key}`,
        what: `${key} no longer exists`,
        why: `${of} names it, and its pods would not start without it`,
        next: 'Create it again, or choose another version.'
      })
  }
}

/** The metadata of an object that a template names; null if it does not exist. */
export const readMetadata = (
  { api }: KubernetesContext,
  namespace: string,
  { resource, name }: Reference,
  signal: AbortSignal
): Promise<MetaOnly | null | 'forbidden'> => {
  const path = `/api/v1/namespaces/${namespace}/${resource}/${name}`
  const request = { doing: `Reading ${resource}/${name}`, path, accept: metadataAlone, signal }
  return api.find(request, metaOnlySchema).catch(orOn('forbidden' as const, 403))
}
