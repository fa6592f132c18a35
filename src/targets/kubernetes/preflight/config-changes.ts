import { z } from 'zod'
import type { Risk } from '../../../model/observation.ts'
import type { KubernetesContext } from '../context.ts'
import { addressText } from '../objects/names.ts'
import type { MetaOnly } from '../objects/objects.ts'
import { isOf, isUnready } from '../objects/pods.ts'
import type { Revision } from '../objects/revision.ts'
import type { Workload } from '../objects/workload.ts'

/** A ConfigMap or Secret that an old template names: `name` is resource/name, `key` has the namespace as well. */
export interface ConfigUse {
  key: string
  name: string
  object: MetaOnly
  workload: Workload
  revision: Revision
  /** The failed template names it, too. */
  isShared: boolean
}

/** What says whether an object was written to, and tells nothing of its content. */
export const stateOf = ({ metadata }: MetaOnly): string => `${metadata.uid}/${metadata.resourceVersion ?? ''}`

/** What changed in ConfigMaps and Secrets since the old version served: a rollback does not restore that. */
export async function configRisks(
  cluster: KubernetesContext,
  uses: readonly ConfigUse[],
  signal: AbortSignal
): Promise<Risk[]> {
  const risks = new Map<string, Risk>()
  const unproven: ConfigUse[] = []
  for (const use of uses) {
    const kept = byMemory(use)
    const verdict = kept === undefined ? byTime(use) : kept
    if (verdict === 'unknown') unproven.push(use)
    else if (verdict) add(risks, use, verdict)
  }
  if (unproven.length === 0 || (await keepsChangeTimes(cluster, signal))) return [...risks.values()]
  const unknown = new Set<string>()
  for (const use of unproven) {
    const pod = servingPods(use).find(({ metadata }) => isAfter(use.object, metadata.resourceVersion))
    if (pod)
      add(risks, use, {
        serious: true,
        why: `It was written to after the pod ${pod.metadata.name} became ready (by their resource versions)`
      })
    else if (use.isShared) unknown.add(use.key)
  }
  return [
    ...risks.values(),
    ...(unknown.size > 0
      ? [
          {
            id: 'config_unknown',
            serious: false,
            title: 'Whether configuration was changed since the old version served is unknown',
            detail: `${[...unknown].slice(0, 5).join(', ')}${unknown.size > 5 ? ` and ${unknown.size - 5} more` : ''}: this server is older than Kubernetes 1.25 and does not keep when a value changes. A rollback does not restore it.`
          }
        ]
      : [])
  ]
}

interface Verdict {
  serious: boolean
  why: string
}

function add(risks: Map<string, Risk>, { key, workload, revision }: ConfigUse, { serious, why }: Verdict): void {
  const id = `config_changed:${key}`
  if (risks.get(id)?.serious) return
  risks.set(id, {
    id,
    serious,
    title: `${key} was changed since revision ${revision.number} of ${addressText(workload.address)} served`,
    detail: `${why}. A rollback does not restore its former content: restore it first if the change belongs to the failed version.`
  })
}

/** By what was kept when the revision was proven; undefined where nothing was, null where nothing changed. */
function byMemory({ name, object, revision }: ConfigUse): Verdict | null | undefined {
  const before = revision.configuration?.[name]
  if (before === undefined) return undefined
  if (before === stateOf(object)) return null
  const isNew = !before.startsWith(`${object.metadata.uid}/`)
  return {
    serious: true,
    why: `${isNew ? 'It was deleted and created again' : 'It was written to'} since that version was proven`
  }
}

/** A change this long before the next version probably belongs to that one. */
const releaseMs = 600_000
/** Objects that are applied together are created within this time. */
const togetherMs = 60_000

/** By the times that the server keeps; it may keep none of a change. */
function byTime(use: ConfigUse): Verdict | 'unknown' {
  const { object, workload, revision } = use
  const changedAt = lastChange(object)
  const from = Date.parse(revision.createdAt ?? '')
  if (!changedAt || Number.isNaN(from) || changedAt.getTime() <= from) return 'unknown'
  const until = supersededAt(workload, revision)
  const at = `It was changed at ${changedAt.toISOString()}`
  if (until && changedAt > until)
    return { serious: true, why: `${at}; that revision was superseded at ${until.toISOString()}` }
  if (changedAt.getTime() === Date.parse(object.metadata.creationTimestamp ?? '') && +changedAt - from < togetherMs)
    return 'unknown'
  if (servingPods(use).some(({ status }) => Date.parse(String(status.startTime)) > changedAt.getTime()))
    return 'unknown'
  const serious = until !== undefined && until.getTime() - changedAt.getTime() < releaseMs
  return { serious, why: serious ? `${at}, shortly before the next revision` : `${at}, while that revision served` }
}

const servingPods = ({ workload, revision }: ConfigUse) =>
  (workload.pods ?? []).filter(
    (pod) => isOf(pod, { name: workload.address.name, to: { revision: revision.name, hash: '' } }) && !isUnready(pod)
  )

/** When the next revision was created, if that is known. */
function supersededAt({ revisions }: Workload, { number, createdAt }: Revision): Date | undefined {
  const next = revisions.filter((one) => one.number > number).at(-1)?.createdAt
  return next && next > (createdAt ?? '') ? new Date(next) : undefined
}

/** When an object was last written to, by its managed fields. */
function lastChange({ metadata }: MetaOnly): Date | undefined {
  const times = (metadata.managedFields ?? []).flatMap(({ time }) => (time ? [time] : []))
  const last = [...times, metadata.creationTimestamp ?? ''].sort().at(-1)
  return last ? new Date(last) : undefined
}

/** Whether an object was written to later than another: both are numbers of one store (comparable by contract from 1.35 on). */
const isAfter = ({ metadata }: MetaOnly, other: string | undefined): boolean =>
  [metadata.resourceVersion, other].every((one) => /^\d{1,20}$/.test(one ?? '')) &&
  BigInt(metadata.resourceVersion ?? 0) > BigInt(other ?? 0)

const versionSchema = z.looseObject({ gitVersion: z.string() })

/** From Kubernetes 1.25 on, the time of managed fields changes with a value (kubernetes/kubernetes#110058). */
async function keepsChangeTimes({ api }: KubernetesContext, signal: AbortSignal): Promise<boolean> {
  const version = await api
    .send({ doing: 'Reading the version', path: '/version', signal }, versionSchema)
    .catch(() => null)
  signal.throwIfAborted()
  return Number(/^v1\.(\d{1,4})\./.exec(version?.gitVersion ?? '')?.[1] ?? 0) >= 25
}
