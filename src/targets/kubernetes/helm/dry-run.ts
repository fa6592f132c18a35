import { z } from 'zod'
import type { Blocker, Risk } from '../../../model/observation.ts'
import { ApiFailure, isStatus, orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import { metadataAlone, metaOnlySchema } from '../objects/objects.ts'
import { type Findings, joined } from '../preflight/findings.ts'
import type { Right } from '../preflight/right.ts'
import { clearedBy, neverChanges } from './advice.ts'
import type { HelmState } from './helm-state.ts'
import type { HelmRevision } from './history.ts'
import { isSame, type ManifestObject, objectText } from './manifest.ts'

const atOnce = 12
/** More are not tried; those that change come first. */
const mostObjects = 100

const resourcesSchema = z.looseObject({
  resources: z.array(z.looseObject({ name: z.string(), kind: z.string(), namespaced: z.boolean() }))
})

interface Resource {
  group: string
  plural: string
  /** Of the collection. */
  path: string
  namespace: string
}

/** How the cluster serves the objects of manifests; null for one that it does not serve, undefined where that is unknown. */
export type Served = (object: ManifestObject) => Resource | null | undefined

/** Asks for the resources of every API version that the manifests name. */
export async function readServed(
  { api }: KubernetesContext,
  objects: readonly ManifestObject[],
  signal: AbortSignal
): Promise<Served> {
  const versions = [...new Set(objects.map(({ apiVersion }) => apiVersion).filter(isVersion))]
  const answers = await inParallel(versions, atOnce, async (version) => {
    const request = { doing: `Reading the resources of ${version}`, path: pathOf(version), signal }
    const found = await api.find(request, resourcesSchema).catch(orOn(undefined, 403, 503))
    return [version, found] as const
  })
  const known = new Map(answers)
  return ({ apiVersion, kind, namespace }) => {
    const found = known.get(apiVersion)
    if (!found) return found
    const resource = found.resources.find((one) => one.kind === kind && !one.name.includes('/'))
    if (!resource) return null
    const within = resource.namespaced ? namespace : ''
    const path = `${pathOf(apiVersion)}${within && `/namespaces/${within}`}/${resource.name}`
    const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
    return { group, plural: resource.name, path, namespace: within }
  }
}

const isVersion = (text: string): boolean => /^([a-z0-9.-]{1,253}\/)?[a-z0-9]{1,63}$/.test(text)

const pathOf = (version: string): string => (version.includes('/') ? `/apis/${version}` : `/api/${version}`)

/** The rights that Helm needs for the objects of the release, apart from those for its records and the workloads. */
export function objectRights(served: Served, newest: HelmRevision, candidate: HelmRevision): Right[] {
  const before = newest.content.objects
  const after = candidate.content.objects
  const rights = (objects: readonly ManifestObject[], verb: string): Right[] =>
    objects.flatMap((object) => {
      const resource = served(object)
      if (!resource) return []
      const { namespace, group, plural } = resource
      return [{ namespace, group, resource: plural, verb, ...(verb !== 'create' && { names: [object.name] }) }]
    })
  const isNew = (object: ManifestObject) => !before.some(isSame(object))
  const isChanged = (object: ManifestObject) => before.some((one) => isSame(object)(one) && one.hash !== object.hash)
  return [
    ...rights(after, 'get'),
    ...rights(after.filter(isChanged), 'patch'),
    ...rights(after.filter(isNew), 'create'),
    ...rights(
      before.filter((object) => !object.kept && !after.some(isSame(object))),
      'delete'
    )
  ]
}

/** Tries what Helm would send, as a dry run, and finds what makes it fail half way. */
export async function tryObjects(
  cluster: KubernetesContext,
  served: Served,
  { of, newest }: HelmState,
  candidate: HelmRevision,
  signal: AbortSignal
): Promise<Findings> {
  const before = newest.content.objects
  const isUnchanged = (object: ManifestObject): boolean =>
    before.some((one) => isSame(object)(one) && one.hash === object.hash)
  const all = [...candidate.content.objects].sort((a, b) => Number(isUnchanged(a)) - Number(isUnchanged(b)))
  const found = await inParallel(all.slice(0, mostObjects), atOnce, async (object): Promise<Partial<Findings>> => {
    const resource = served(object)
    if (!resource) return {}
    const path = `${resource.path}/${encodeURIComponent(object.name)}`
    const doing = `Trying ${objectText(object)} (dry run)`
    const live = await cluster.api
      .find({ doing, path, accept: metadataAlone, signal }, metaOnlySchema)
      .catch(orOn(undefined, 403))
    if (live === undefined) return {}
    const subject = { ...object, ...resource }
    if (live && !before.some(isSame(object))) return unowned(cluster, subject, newest, candidate)
    const why = await tryOne(cluster, object, live ? path : resource.path, live !== null, signal)
    return why ? { blockers: [refusal(cluster, subject, why, candidate)] } : {}
  })
  const more = all.length - mostObjects
  return joined([
    { blockers: notServed(served, of.name, of.namespace, newest, candidate) },
    ...found,
    { notes: more > 0 ? [`${more} more objects of the release were not tried.`] : [] }
  ])
}

type Subject = ManifestObject & Resource

/** Why the cluster refuses an object; null where it does not, or where a dry run cannot tell. */
async function tryOne(
  { api }: KubernetesContext,
  object: ManifestObject,
  path: string,
  exists: boolean,
  signal: AbortSignal
): Promise<string | null> {
  const send = (contentType: string) =>
    api.send(
      {
        doing: `Trying ${objectText(object)} (dry run)`,
        method: exists ? 'PATCH' : 'POST',
        path,
        query: { dryRun: 'All' },
        contentType,
        body: object.body,
        signal
      },
      z.unknown()
    )
  const kinds = exists
    ? ['application/strategic-merge-patch+json', 'application/merge-patch+json']
    : ['application/json']
  for (const contentType of kinds) {
    try {
      await send(contentType)
      return null
    } catch (error) {
      // Custom resources know no strategic merge.
      if (isStatus(error, 415)) continue
      if (!(error instanceof ApiFailure)) throw error
      return isCertain(error) ? error.why : null
    }
  }
  return null
}

/** Helm merges three ways, so only a refusal that no way of merging avoids is certain. */
const isCertain = ({ status, why }: ApiFailure): boolean =>
  (status === 422 && neverChanges.test(why)) || / denied the request|exceeded quota/.test(why)

const refusal = (
  { kubectl }: KubernetesContext,
  object: Subject,
  why: string,
  { revision }: HelmRevision
): Blocker => ({
  id: `helm_refused:${object.kind.toLowerCase()}/${object.name}`,
  what: `The cluster refuses ${objectText(object)} as Helm's revision ${revision} has it (dry run)`,
  why,
  next: neverChanges.test(why)
    ? clearedBy(kubectl, object, revision)
    : 'Correct what the reason names, or choose another version.'
})

/** Helm 4 overwrites what its newest revision does not have (pkg/kube/client.go); Helm 3 fails, also where it is its own. */
function unowned(
  { kubectl, helm }: KubernetesContext,
  object: Subject,
  newest: HelmRevision,
  { revision }: HelmRevision
): Partial<Findings> {
  const name = objectText(object)
  const id = `${object.kind.toLowerCase()}/${object.name}`
  const risk: Risk = {
    id: `helm_overwrites:${id}`,
    serious: true,
    title: `Helm overwrites ${name}`,
    detail: `Its newest revision ${newest.revision} does not have it, and the cluster does.`
  }
  const blocker: Blocker = {
    id: `helm_exists:${id}`,
    what: `${name} exists, and Helm's newest revision ${newest.revision} does not have it`,
    why: `Helm 3 does not take it over, and ends with: no ${object.kind} with the name '${object.name}' found`,
    next: clearedBy(kubectl, object, revision)
  }
  return helm.program.major() > 3 ? { risks: [risk] } : { blockers: [blocker] }
}

/** Helm reads both manifests before it does anything. */
function notServed(
  served: Served,
  name: string,
  namespace: string,
  newest: HelmRevision,
  candidate: HelmRevision
): Blocker[] {
  const missing = ({ revision, content }: HelmRevision, next: string): Blocker[] => {
    const gone = content.objects.filter((object) => served(object) === null)
    const kinds = [...new Set(gone.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`))]
    return kinds.length === 0
      ? []
      : [
          {
            id: `helm_api:${revision}`,
            what: `Helm cannot read its revision ${revision}`,
            why: `the cluster does not serve ${kinds.slice(0, 5).join(', ')} any more`,
            next
          }
        ]
  }
  const [first] = [
    ...missing(candidate, 'Choose another version, or deploy that version again with a chart for this cluster.'),
    ...missing(
      newest,
      `Run "helm mapkubeapis ${name} -n ${namespace}" (the plugin helm-mapkubeapis), which corrects Helm's newest record.`
    )
  ]
  return first ? [first] : []
}
