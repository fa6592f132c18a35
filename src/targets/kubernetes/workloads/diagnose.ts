import type { Diagnosis, Evidence, TimelineEvent } from '../../../model/diagnosis.ts'
import { quote, quoteLine } from '../../../support/quote.ts'
import { capTail, oneLine } from '../../../support/text.ts'
import { orOn } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import { shortText } from '../objects/names.ts'
import { type ClusterEvent, eventSchema, type Template } from '../objects/objects.ts'
import { crashOf, hasCrashed, isFinished, isUnready, podFailureOf } from '../objects/pods.ts'
import type { Workload } from '../objects/workload.ts'
import { currentPods, healthOf, podsOfTemplate, rolloutOf } from './health.ts'
import { logsOf } from './logs.ts'
import { readWorkloads } from './read.ts'

/** Warnings that do not say why a pod fails, or repeat its state. */
const noise = new Set(['MissingClusterDNS', 'BackOff'])
const mostPods = 3
const mostWorkloads = 10

/** Why the workloads fail, as far as the cluster shows: states, events, last logs, what the new template changed. */
export async function diagnose(cluster: KubernetesContext, signal: AbortSignal): Promise<Diagnosis> {
  const all = await readWorkloads(cluster, signal)
  // One that should have no pods is unknown, and has nothing to show.
  const failing = all.filter((workload) => !/^(healthy|unknown)$/.test(healthOf(workload).state))
  const chosen = (failing.length > 0 ? failing : all).slice(0, mostWorkloads)
  const each = await Promise.all(chosen.map((workload) => examine(cluster, workload, signal)))
  return {
    findings: each.flatMap(({ findings }) => findings),
    events: each.flatMap(({ events }) => events).sort((a, b) => a.at.localeCompare(b.at)),
    evidence: each.flatMap(({ evidence }) => evidence)
  }
}

async function examine(cluster: KubernetesContext, workload: Workload, signal: AbortSignal): Promise<Diagnosis> {
  const ended = podsOfTemplate(workload).filter(isFinished)
  const failed = [...currentPods(workload), ...ended].filter(
    (pod) => podFailureOf(pod) || isUnready(pod) || hasCrashed(pod)
  )
  const pods = failed.slice(0, mostPods)
  const [events, logs] = await Promise.all([
    eventsOf(cluster, workload, signal),
    Promise.all(pods.map((pod) => logsOf(cluster, pod, signal)))
  ])
  const name = shortText(workload.address)
  const { wanted, available } = rolloutOf(workload.object)
  const { message } = workload.object.status
  const warnings = events
    .filter(({ type, reason }) => type === 'Warning' && !noise.has(reason ?? ''))
    .map(({ message }) => `event: ${quote(cluster.mask, message ?? '', 200)}`)
  return {
    findings: [
      ...new Set([
        ...failed.flatMap((pod) => podFailureOf(pod) ?? crashOf(pod) ?? []),
        ...(message ? [`${name}: ${quote(cluster.mask, message, 200)}`] : []),
        ...warnings.slice(-3),
        `${name}: ${available} of ${wanted} pods available`,
        ...logs.flatMap(({ unread }) => unread)
      ])
    ],
    events: events.slice(-20).flatMap((event) => asTimeline(cluster, event, name)),
    evidence: [...logs.flatMap(({ evidence }) => evidence), ...templateEvidence(workload)]
  }
}

function asTimeline({ mask }: KubernetesContext, event: ClusterEvent, name: string): TimelineEvent[] {
  const at = event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp
  if (!at) return []
  const times = (event.count ?? 1) > 1 ? ` (${event.count} times)` : ''
  const text = quoteLine(
    mask,
    `${event.involvedObject.name ?? name}: ${event.reason ?? ''}: ${quote(mask, event.message ?? '')}${times}`,
    240
  )
  return [{ at: new Date(at).toISOString(), text, source: 'Kubernetes events' }]
}

async function eventsOf({ api }: KubernetesContext, workload: Workload, signal: AbortSignal): Promise<ClusterEvent[]> {
  const { namespace } = workload.address
  const mine = new Set([
    workload.object.metadata.uid,
    ...workload.revisions.map(({ uid }) => uid),
    ...(workload.pods ?? []).map(({ metadata }) => metadata.uid)
  ])
  const path = `/api/v1/namespaces/${namespace}/events`
  const request = { doing: `Reading the events in ${namespace}`, path, signal }
  const { items } = await api.list(request, eventSchema).catch(orOn({ items: [] }, 403))
  return items
    .filter(({ involvedObject }) => mine.has(involvedObject.uid ?? ''))
    .sort((a, b) => (a.lastTimestamp ?? '').localeCompare(b.lastTimestamp ?? ''))
}

/** What the failing template changed against the one before it. */
function templateEvidence({ address, revisions, current }: Workload): Evidence[] {
  const before = current && revisions.find(({ number }) => number < current.number)
  if (!current || !before) return []
  const lines = differences(before.template, current.template)
  return lines.length === 0
    ? []
    : [
        {
          title: `What revision ${current.number} of ${shortText(address)} changed against revision ${before.number}`,
          source: 'Kubernetes revisions',
          text: capTail(lines.join('\n'), 4000)
        }
      ]
}

/** What differs between two pod templates, one line each; the values of environment variables are never shown. */
function differences(before: Template, after: Template): string[] {
  const [old, now] = [flat(before), flat(after)]
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)]
    if (was === is) return []
    if (path.endsWith('.value') && /\.env\../.test(path.slice(0, -'.value'.length)))
      return [`${path} changed (values are not shown)`]
    return [`${path}: ${was ?? 'absent'} -> ${is ?? 'absent'}`]
  })
}

function flat(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(value))
    for (const [index, item] of value.entries()) flat(item, `${path}.${nameOf(item) ?? index}`, into)
  else if (value && typeof value === 'object')
    for (const [key, item] of Object.entries(value)) flat(item, path ? `${path}.${key}` : key, into)
  else if (value !== null && value !== undefined) into.set(path, oneLine(JSON.stringify(value), 200))
  return into
}

const nameOf = (item: unknown): string | undefined => {
  const name = (item as { name?: unknown } | null)?.name
  return typeof name === 'string' ? name : undefined
}
