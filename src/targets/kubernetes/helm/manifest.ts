import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type JsonObject, jsonObject } from '../../../model/json.ts'
import { ConfigError, messageOf } from '../../../support/errors.ts'
import type { Mask } from '../../../support/mask.ts'
import { yamlDocuments } from '../../../support/yaml-documents.ts'
import type { Address } from '../objects/names.ts'
import { type Template, templateSchema } from '../objects/objects.ts'
import type { Revision } from '../objects/revision.ts'
import { covers, hideEnvironment } from '../objects/template.ts'
import type { Workload } from '../objects/workload.ts'

/** One object that a revision of a release consists of. */
export interface ManifestObject {
  apiVersion: string
  kind: string
  namespace: string
  name: string
  /** Equal for two revisions that describe it alike; reveals none of its values. */
  hash: string
  /** It stays when Helm would delete it (helm.sh, "helm.sh/resource-policy: keep"). */
  kept: boolean
  /** Of a workload. */
  template?: Template
  /** Where it sets them. */
  replicas?: number
  /** As Helm sends it. */
  body: JsonObject
}

const text = z.string().nullish()
const documentSchema = z.looseObject({
  apiVersion: z.string().default(''),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: text, annotations: z.record(z.string(), z.json()).nullish() }),
  spec: z.looseObject({ template: z.json().nullish(), replicas: z.number().nullish().catch(null) }).nullish(),
  items: z.array(z.json()).nullish(),
  data: z.record(z.string(), z.json()).nullish(),
  stringData: z.record(z.string(), z.json()).nullish()
})
const listSchema = z.looseObject({ items: z.array(z.json()) })

const workloadKinds = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout'])

export const hashOf = (manifest: string): string =>
  createHash('sha256').update(manifest.trim()).digest('hex').slice(0, 32)

/** Reads the objects of a rendered manifest; the values of its Secrets are masked from then on. */
export async function objectsOf(manifest: string, namespace: string, mask: Mask): Promise<ManifestObject[]> {
  return (await readManifest(manifest)).flatMap((value) => {
    const list = listSchema.safeParse(value)
    return (list.success ? list.data.items : [value]).flatMap((one) => objectOf(one, namespace, mask))
  })
}

/** A release is at most 1 MiB compressed. */
const mostCharacters = 16 * 1024 * 1024

async function readManifest(manifest: string): Promise<unknown[]> {
  try {
    return await yamlDocuments(manifest, mostCharacters)
  } catch (error) {
    throw new ConfigError({
      what: 'The manifest of a Helm release was not read',
      why: `it is not safe to parse: ${messageOf(error)}`,
      state: 'Nothing was changed.',
      next: 'Read it with "helm get manifest" and roll back with "helm rollback".',
      code: 'unsafe_yaml'
    })
  }
}

function objectOf(value: unknown, home: string, mask: Mask): ManifestObject[] {
  const parsed = documentSchema.safeParse(value)
  if (!parsed.success) return []
  const { apiVersion, kind, metadata, spec, data, stringData } = parsed.data
  mask.spare(`${home}/${metadata.name}`)
  if (kind === 'Secret') hideSecret(mask, data, stringData)
  const template = workloadKinds.has(kind) ? templateSchema.safeParse(spec?.template) : null
  if (template?.success) hideEnvironment(template.data, mask)
  return [
    {
      apiVersion,
      kind,
      name: metadata.name,
      namespace: metadata.namespace ?? home,
      hash: hashOf(JSON.stringify(value)),
      kept: metadata.annotations?.['helm.sh/resource-policy'] === 'keep',
      ...(template?.success && { template: template.data }),
      ...(typeof spec?.replicas === 'number' && { replicas: spec.replicas }),
      body: jsonObject.parse(value)
    }
  ]
}

type Values = Record<string, unknown> | null | undefined

function hideSecret(mask: Mask, data: Values, stringData: Values): void {
  for (const value of Object.values(data ?? {})) {
    mask.add(String(value))
    mask.add(Buffer.from(String(value), 'base64').toString('utf8'))
  }
  for (const value of Object.values(stringData ?? {})) mask.add(String(value))
}

/** The same object in another revision. */
export const isSame =
  (a: ManifestObject) =>
  (b: ManifestObject): boolean =>
    a.kind === b.kind && a.namespace === b.namespace && a.name === b.name

export const objectText = ({ kind, name }: ManifestObject): string => `${kind}/${name}`

/** One workload of a revision. */
export const findObject = (objects: readonly ManifestObject[], address: Address): ManifestObject | undefined =>
  objects.find(
    ({ kind, name, namespace }) =>
      kind.toLowerCase() === address.kind && name === address.name && namespace === address.namespace
  )

/** The images of a pod template, by container. */
export const imagesOf = ({ spec }: Template): Record<string, string> =>
  Object.fromEntries([...(spec.initContainers ?? []), ...spec.containers].map(({ name, image }) => [name, image]))

export const sameImages = (a: Template, b: Template): boolean => {
  const [one, other] = [imagesOf(a), imagesOf(b)]
  const names = Object.keys(other)
  return names.length === Object.keys(one).length && names.every((name) => one[name] === other[name])
}

/** Runs every image that a manifest names; containers that something else adds do not count. */
const runsImages = (live: Template, wanted: Template): boolean => {
  const images = imagesOf(live)
  return Object.entries(imagesOf(wanted)).every(([name, image]) => images[name] === image)
}

/**
 * Whether a workload runs what a revision describes: its images, and of the rest of its template all and nothing more, as far as a
 * revision that the cluster keeps shows how the server writes that.
 */
export function runs(workload: Workload, { objects }: { objects: readonly ManifestObject[] }): boolean {
  const wanted = findObject(objects, workload.address)?.template
  const live = workload.object.spec.template
  if (!wanted || !runsImages(live, wanted)) return false
  const kept = workload.revisions.filter(({ template }) => covers(template, wanted))
  const hasMore = kept.some(({ template: { spec } }) => covers(live.spec, spec) && !covers(spec, live.spec))
  return kept.length === 0 || (covers(live, wanted) && !hasMore)
}

/** The cluster's revision that a revision of the release led to, with nothing that others have added; undefined if that is uncertain. */
export function clusterRevision(
  workload: Workload,
  { objects }: { objects: readonly ManifestObject[] }
): Revision | undefined {
  const wanted = findObject(objects, workload.address)?.template
  if (!wanted) return undefined
  const alike = workload.revisions.filter(({ template }) => sameImages(template, wanted))
  const covering = alike.filter(({ template }) => covers(template, wanted))
  const least = covering.filter((one) => covering.every(({ template }) => covers(template, one.template)))
  const found = least.length > 0 ? least : alike
  return found.length === 1 ? found[0] : undefined
}
