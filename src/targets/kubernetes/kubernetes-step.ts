import { z } from 'zod'
import { defineStep } from '../define-step.ts'
import type { KubernetesContext } from './context.ts'
import { moveSchema } from './objects/move.ts'
import type { ClusterState } from './workloads/observe.ts'

/** Defines a kind of step on Kubernetes. */
export const kubernetesStep = defineStep<KubernetesContext, ClusterState>()

/** What a step about one workload acts on: `server` is the API server that it was planned for. */
export const oneMove = z.object({ server: z.string(), move: moveSchema })
/** The same of several. */
export const severalMoves = z.object({ server: z.string(), moves: z.array(moveSchema).min(1) })
