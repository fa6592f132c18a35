import { z } from 'zod'
import type { Pod, WorkloadObject } from '../objects/objects.ts'
import { isOf, isUnready } from '../objects/pod-failure.ts'
import type { Move } from '../step-params.ts'

const share = z.union([z.number(), z.string()]).nullish()
const rollingSchema = z.looseObject({ maxSurge: share, maxUnavailable: share }).nullish().catch(null)

export interface Surge {
  leaving: Pod[]
  /** How many pods come in the end. */
  coming: number
  /** How many of them come before any other goes. */
  surge: number
  /** Whether old pods may go before new ones are available. */
  mayLeaveFirst: boolean
}

/** How a workload replaces its pods, counted (kubernetes.io, "Deployments": max surge rounds up, max unavailable down, never both 0). */
export function surgeOf({ spec }: WorkloadObject, move: Move, wanted: number, pods: readonly Pod[]): Surge {
  const ending = pods.filter(({ metadata }) => metadata.deletionTimestamp)
  const living = pods.filter((pod) => !ending.includes(pod))
  const staying = living.filter((pod) => isOf(pod, move))
  const leaving = pods.filter((pod) => !staying.includes(pod))
  const coming = Math.max(0, wanted - staying.length)
  if (move.kind !== 'deployment' || spec.strategy?.type === 'Recreate')
    return { leaving, coming, surge: 0, mayLeaveFirst: true }
  const rolling = rollingSchema.parse(spec.strategy?.rollingUpdate)
  const most = portion(rolling?.maxSurge ?? '25%', wanted, Math.ceil)
  const least = portion(rolling?.maxUnavailable ?? '25%', wanted, Math.floor)
  const unavailable = most === 0 && least === 0 ? 1 : least
  const surge = Math.min(coming, Math.max(0, wanted + most - living.length))
  const spare = living.length - (wanted - unavailable) - staying.filter(isUnready).length
  return { leaving, coming, surge, mayLeaveFirst: ending.length > 0 || (leaving.length > 0 && spare > 0) }
}

function portion(value: number | string, of: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value
  return value.endsWith('%') ? round((Number.parseFloat(value) / 100) * of) : Number(value) || 0
}
