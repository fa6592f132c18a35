import { z } from 'zod'
import { oneLine, quoted } from '../../../support/text.ts'
import type { Move } from './move.ts'
import { known } from './names.ts'
import { type ContainerStatus, type Pod, termSchema } from './objects.ts'

/** Every container of a pod; sidecars are init containers, and come first. */
export const containersOf = ({ status }: Pod): ContainerStatus[] => [
  ...(status.initContainerStatuses ?? []),
  ...(status.containerStatuses ?? [])
]

/** Why a pod does not serve, for people; null when nothing is wrong with it, or it is only starting. */
export function podFailureOf(pod: Pod): string | null {
  const { status, metadata } = pod
  if (metadata.deletionTimestamp) return null
  if (status.phase === 'Failed') return lineOf(pod, `failed${status.reason ? ` (${status.reason})` : ''}`)
  const scheduled = status.conditions?.find(({ type }) => type === 'PodScheduled')
  return (
    containerFailureOf(pod) ??
    (scheduled?.status === 'False'
      ? lineOf(pod, `cannot be scheduled: ${scheduled.message ?? scheduled.reason}`)
      : null)
  )
}

/** What is wrong with a container of a pod; null for a pod that is not scheduled yet. */
export function containerFailureOf(pod: Pod): string | null {
  if (pod.metadata.deletionTimestamp) return null
  const [what] = containersOf(pod).flatMap((one) => containerFailure(one) ?? [])
  return what ? lineOf(pod, what) : null
}

const lineOf = ({ metadata }: Pod, what: string): string => oneLine(`${metadata.name}: ${what}`, 300)

/** What ended a container that runs again, and may even be ready: between two crashes a pod looks healthy. */
export function crashOf(pod: Pod): string | null {
  if (pod.metadata.deletionTimestamp) return null
  for (const { name, lastState, restartCount } of containersOf(pod)) {
    const ended = lastState?.terminated
    if (ended && ended.exitCode !== 0)
      return lineOf(pod, `container ${name} runs again after ${exitOf(ended)}, ${restartCount} restarts`)
  }
  return null
}

export const hasCrashed = (pod: Pod): boolean => crashOf(pod) !== null

/** A kubelet forgets the failures of a container that has run this long (kubernetes.io, "Container restart policy"). */
const forgottenAfterMs = 600_000

/** It has crashed and may be about to crash again, though it may be ready at the moment. */
export const isCrashLooping = (pod: Pod, now: number): boolean =>
  hasCrashed(pod) &&
  containersOf(pod).some(
    ({ state, lastState }) =>
      (lastState?.terminated?.exitCode ?? 0) !== 0 &&
      now - Date.parse(state?.running?.startedAt ?? new Date(now).toISOString()) < forgottenAfterMs
  )

/** It ended, and its controller has replaced it: an evicted pod stays until it is collected. */
export const isFinished = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed'

/** It runs and is not ready: it is starting, or its readiness probe fails. */
export const isUnready = ({ metadata, status }: Pod): boolean =>
  !metadata.deletionTimestamp && !status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')

const starting = new Set(['ContainerCreating', 'PodInitializing'])

const exitOf = ({ exitCode, reason }: { exitCode: number; reason?: string | null | undefined }): string =>
  `exit code ${exitCode}${reason ? `, ${reason}` : ''}`

function containerFailure({ name, ready, state, lastState, restartCount }: ContainerStatus): string | null {
  const { waiting, terminated } = state ?? {}
  const ended = terminated ?? lastState?.terminated
  const exit = ended ? exitOf(ended) : ''
  if (waiting?.reason && !starting.has(waiting.reason)) {
    const message = waiting.reason === 'CrashLoopBackOff' ? exit : waiting.message && quoted(waiting.message)
    return `container ${name}: ${waiting.reason}${message ? ` (${message})` : ''}${restartCount > 0 ? `, ${restartCount} restarts` : ''}`
  }
  if (terminated && terminated.exitCode !== 0) return `container ${name} ended with ${exit}`
  if (!ready && restartCount > 0 && ended && ended.exitCode !== 0)
    return `container ${name} was restarted ${restartCount} times, last after ${exit}`
  return null
}

const permanentReasons = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError'
])

/** It fails in a way that hardly passes without a change. */
export const willNotRecover = (pod: Pod): boolean =>
  !pod.metadata.deletionTimestamp &&
  containersOf(pod).some(
    ({ state, restartCount }) =>
      permanentReasons.has(state?.waiting?.reason ?? '') ||
      (state?.waiting?.reason === 'CrashLoopBackOff' && restartCount >= 3)
  )

/** A pod of the wanted revision, by the label that its controller gave it. */
export function isOf({ metadata }: Pod, { name, to }: Pick<Move, 'name' | 'to'>): boolean {
  const hash = to.revision.startsWith(`${name}-`) ? to.revision.slice(name.length + 1) : to.revision
  const { labels } = metadata
  const label = labels?.[known.templateHash] ?? labels?.[known.rolloutHash] ?? labels?.[known.revisionHash]
  return label === hash || label === to.revision
}

/** A DaemonSet's controller binds each pod to its node by this, before the scheduler sets the node's name. */
const affinitySchema = z.looseObject({
  nodeAffinity: z.looseObject({
    requiredDuringSchedulingIgnoredDuringExecution: z.looseObject({
      nodeSelectorTerms: z.array(z.looseObject({ matchFields: z.array(termSchema).nullish() }))
    })
  })
})

/** What a pod and its replacement share: a StatefulSet's pod its name, a DaemonSet's its node. */
export const slotOf = (pod: Pod, { kind }: Pick<Move, 'kind'>): string =>
  kind === 'daemonset' ? (pod.spec.nodeName ?? intendedNode(pod) ?? pod.metadata.name) : pod.metadata.name

function intendedNode({ spec }: Pod): string | undefined {
  const { data } = affinitySchema.safeParse(spec.affinity)
  const fields = data?.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.flatMap(
    ({ matchFields }) => matchFields ?? []
  )
  return fields?.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')?.values?.[0]
}
