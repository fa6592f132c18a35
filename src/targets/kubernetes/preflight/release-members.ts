import { z } from 'zod'
import type { Risk } from '../../../model/observation.ts'
import { orOn } from '../client/failure.ts'
import { inParallel } from '../client/parallel.ts'
import type { KubernetesContext } from '../context.ts'
import type { WorkloadChange } from '../objects/move.ts'
import { addressText, shortText } from '../objects/names.ts'
import { isOwn, type Metadata, metadataList, metadataSchema, part, templateSchema } from '../objects/objects.ts'
import { mainContainer } from '../objects/template.ts'
import { namespacesOf, type Workload } from '../objects/workload.ts'
import { type Findings, joined } from './findings.ts'

const memberSchema = z.looseObject({
  metadata: metadataSchema,
  spec: z
    .looseObject({
      template: templateSchema.nullish().catch(null),
      jobTemplate: part({ spec: part({ template: templateSchema }) }).catch(null)
    })
    .nullish(),
  status: part({ succeeded: z.number().nullish(), active: z.number().nullish() })
})
type Member = z.infer<typeof memberSchema> & { kind: string }

/** What is released together with a workload, and the API versions that have it, newest first. */
const kinds = [
  { kind: 'cronjob', apis: ['/apis/batch/v1', '/apis/batch/v1beta1'] },
  { kind: 'job', apis: ['/apis/batch/v1'] },
  { kind: 'deployment', apis: ['/apis/apps/v1'] },
  { kind: 'statefulset', apis: ['/apis/apps/v1'] },
  { kind: 'daemonset', apis: ['/apis/apps/v1'] },
  { kind: 'configmap', apis: ['/api/v1'] }
] as const

const versionLabels = ['app.kubernetes.io/version', 'helm.sh/chart']
const groupNames = [
  'app',
  'app.kubernetes.io/name',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/part-of',
  'argocd.argoproj.io/instance',
  'argocd.argoproj.io/tracking-id',
  'kustomize.toolkit.fluxcd.io/name',
  'meta.helm.sh/release-name'
]
const hooks = ['helm.sh/hook', 'argocd.argoproj.io/hook']

/**
 * What belongs to the failed version beside the workloads of a plan, and will not go back with them; `restored` are the objects that
 * go back by other means, where there are any.
 */
export async function examineMembers(
  cluster: KubernetesContext,
  workloads: readonly Workload[],
  changes: readonly WorkloadChange[],
  signal: AbortSignal,
  restored?: (member: Pick<Member, 'kind' | 'metadata'>) => boolean
): Promise<Findings> {
  const found = await inParallel(namespacesOf(changes.map(({ move }) => move)), 4, async (namespace) => {
    const own = new Set(workloads.map(({ address }) => addressText(address)))
    const lists = await Promise.all(kinds.map((one) => membersOf(cluster, namespace, one, signal)))
    const members = lists.flatMap((list) => list ?? [])
    const others = members.filter(
      (one) =>
        !own.has(`${one.kind}/${namespace}/${one.metadata.name}`) &&
        // What a Job did stays done, whatever becomes of the Job.
        (one.kind === 'job' || !restored?.(one)) &&
        !members.some(({ kind, metadata }) => kind === 'cronjob' && isOwn(one, metadata))
    )
    const mine = changes.filter(({ move }) => move.namespace === namespace)
    const lines = others.flatMap((member) => {
      const [line] = mine.flatMap((change) => lineOf(cluster, member, change) ?? [])
      return line ? [{ member, line }] : []
    })
    const of = (those: (kind: string) => boolean): string[] =>
      lines.filter(({ member }) => those(member.kind)).map(({ line }) => line)
    const unread = kinds.filter((_, index) => lists[index] === null).map(({ kind }) => `${kind}s`)
    return {
      risks: [
        ...risk(
          `ran:${namespace}`,
          'Jobs of the failed version ran; a rollback does not undo what they did',
          true,
          of((kind) => kind === 'job')
        ),
        ...risk(
          `stays:${namespace}`,
          'Not all that runs the failed version goes back',
          true,
          of((kind) => kind !== 'job' && kind !== 'configmap')
        ),
        ...risk(
          `config_stays:${namespace}`,
          'ConfigMaps stay at the failed version',
          false,
          of((kind) => kind === 'configmap')
        )
      ],
      notes: [
        ...(restored ? [] : labelNotes(mine)),
        ...(unread.length > 0
          ? [
              `These rights do not allow reading ${unread.join(', ')} in ${namespace}, so whether they belong to the failed version is not checked.`
            ]
          : [])
      ]
    }
  })
  return joined(found)
}

const most = 8

const risk = (id: string, title: string, serious: boolean, lines: readonly string[]): Risk[] =>
  lines.length === 0
    ? []
    : [
        {
          id,
          serious,
          title,
          detail: `${lines.slice(0, most).join('; ')}${lines.length > most ? `; and ${lines.length - most} more` : ''}.`
        }
      ]

/** All of a kind in a namespace; null without the right to list them. */
async function membersOf(
  { api }: KubernetesContext,
  namespace: string,
  { kind, apis }: (typeof kinds)[number],
  signal: AbortSignal
): Promise<Member[] | null> {
  for (const version of apis) {
    const accept = kind === 'configmap' ? { accept: metadataList } : {}
    const path = `${version}/namespaces/${namespace}/${kind}s`
    const request = { doing: `Reading the ${kind}s in ${namespace}`, path, ...accept, signal }
    const list = await api
      .list(request, memberSchema)
      .catch(orOn('none' as const, 404))
      .catch(orOn(null, 403))
    if (list === null) return null
    if (list !== 'none') return list.items.map((item) => ({ ...item, kind }))
  }
  return []
}

const textsOf = ({ labels, annotations }: Pick<Metadata, 'labels' | 'annotations'>): Record<string, string> => ({
  ...annotations,
  ...labels
})

/** By which an object says to what it belongs. */
const groupsOf = (metadata: Pick<Metadata, 'labels' | 'annotations'>): string[] => {
  const texts = textsOf(metadata)
  // A tracking id is application:group/kind:namespace/name.
  return groupNames.flatMap((name) => (texts[name] ? [`${name}=${texts[name].split(':', 1)[0]}`] : []))
}

/** Why an object is at the failed version of a change; null if nothing says so. */
function lineOf(cluster: KubernetesContext, member: Member, change: WorkloadChange): string | null {
  const { metadata, kind, status } = member
  const name = `${kind}/${metadata.name}`
  const { template } = member.spec ?? {}
  const containers = (template ?? member.spec?.jobTemplate?.spec?.template)?.spec.containers ?? []
  const isMember = isTogether(member, change.workload)
  const main = mainContainer(change.revision.template, cluster.config.container)?.name
  const images = changedImages(change, isMember ? null : main)
  const failed = containers.flatMap(({ name: container, image }) => {
    const old = images.get(image)
    return old ? [{ container, image, old }] : []
  })
  const texts = textsOf(metadata)
  const hook = hooks.find((one) => texts[one])
  const run = `${(status?.active ?? 0) > 0 ? 'runs' : (status?.succeeded ?? 0) > 0 ? 'ran' : 'was tried'}`
  const asHook = hook ? ` as ${hook}: ${texts[hook]}` : ''
  if (failed.length > 0) {
    const what = failed.map(({ image }) => image).join(', ')
    if (kind === 'job') return `${name} ${run} ${what}${asHook}`
    const set = failed.map(({ container, old }) => `${container}=${old}`).join(' ')
    return `${name} runs ${what} ("${cluster.kubectl} -n ${metadata.namespace} set image ${name} ${set}")`
  }
  if (containers.some(({ image }) => [...images.values()].includes(image))) return null
  if (!isMember) return null
  const label = versionLabels.find((one) => texts[one] && texts[one] === versionOf(change.workload, one))
  if (kind === 'job') return label || isOfRelease(member, change) ? `${name} ${run}${asHook}` : null
  if (label) return `${name} is labelled ${label}=${texts[label]}`
  return kind === 'configmap' && isOfRelease(member, change) ? `${name} was created or changed with that version` : null
}

/** The images that a change takes away, with what it brings instead; of the main container alone if that is named. */
function changedImages({ workload, revision }: WorkloadChange, main: string | null | undefined): Map<string, string> {
  const old = revision.template.spec.containers
  const kept = new Set(old.map(({ image }) => image))
  return new Map(
    workload.object.spec.template.spec.containers.flatMap(({ name, image }) => {
      const before = old.find((one) => one.name === name)?.image
      return before && !kept.has(image) && (main === null || name === main) ? [[image, before] as const] : []
    })
  )
}

/** It shares what it belongs to with a workload, or says nothing of that. */
function isTogether({ metadata }: Member, { object }: Workload): boolean {
  const groups = groupsOf(metadata)
  const its = [...groupsOf(object.metadata), ...groupsOf(object.spec.template.metadata ?? {})]
  return groups.length === 0 || groups.some((group) => its.includes(group))
}

const versionOf = ({ object }: Workload, label: string): string | undefined =>
  object.metadata.labels?.[label] ?? object.spec.template.metadata?.labels?.[label]

/** What is applied, or runs, this long before a version belongs to it. */
const releaseMs = 600_000

/** It was created, or written to by the last time that the server keeps, with the failed version and not with the old one. */
function isOfRelease({ metadata }: Member, { workload, revision }: WorkloadChange): boolean {
  const at = [metadata.creationTimestamp, ...(metadata.managedFields ?? []).map(({ time }) => time)]
  const last = Math.max(...at.map((time) => Date.parse(time ?? '') || 0))
  const [from, old] = [workload.current?.createdAt, revision.createdAt].map((time) => Date.parse(time ?? ''))
  return groupsOf(metadata).length > 0 && !!from && !!old && last > old && last > from - releaseMs
}

/** Labels of the workloads themselves stay as they are. */
function labelNotes(changes: readonly WorkloadChange[]): string[] {
  const kept = changes.flatMap(({ workload: { address, object } }) =>
    versionLabels.flatMap((label) => {
      const value = object.metadata.labels?.[label]
      return value ? [`${shortText(address)} keeps ${label}=${value}`] : []
    })
  )
  const more = kept.length > most ? ` and ${kept.length - most} more` : ''
  return kept.length > 0
    ? [`Only pod templates go back, so labels stay: ${kept.slice(0, most).join(', ')}${more}.`]
    : []
}
