import { z } from 'zod'
import type { Step } from '../../model/step.ts'
import { InputError, TargetError } from '../../support/errors.ts'
import { objectName } from './config.ts'
import type { KubernetesContext } from './context.ts'
import { releaseName } from './helm/helm-state.ts'

const name = z.string().regex(objectName)
/** `own` is the hash of the revision object's template, where the workload's differs from it by defaults that a server fills in. */
const revision = z.object({ revision: z.string(), hash: z.string(), own: z.string().optional() })

/** One workload of a step: where it is, what was observation, and what is to be there. Names and hashes only. */
export const moveSchema = z.object({
  kind: z.enum(['deployment', 'statefulset', 'daemonset', 'rollout']),
  namespace: name,
  name,
  uid: z.string(),
  from: revision,
  to: revision,
  /** The rollout is paused now; going back resumes it, undoing pauses it again. */
  paused: z.boolean(),
  /** Whether the step waits until the rollout is complete. */
  follow: z.boolean()
})
export type Move = z.infer<typeof moveSchema>

const content = z.object({ revision: z.number().int().positive(), content: z.string() })

/** A release of Helm's: the revision that was observation as its newest, and the one to go back to. */
const releaseSchema = z.object({
  server: z.string(),
  release: z.object({ name: z.string().regex(releaseName), namespace: name }),
  from: content,
  to: content,
  /** `follow`: the step waits until it is complete; what a later step sets free is waited for there. */
  workloads: z.array(
    z.object({ kind: moveSchema.shape.kind, namespace: name, name, revision: z.string(), follow: z.boolean() })
  ),
  timeout_seconds: z.number().int().positive(),
  /** Whether Helm itself waits until the pods are ready. */
  wait: z.boolean()
})
export type HelmMove = z.infer<typeof releaseSchema>

export const stepSchemas = {
  roll_back: z.object({ server: z.string(), moves: z.array(moveSchema).min(1) }),
  delete_pods: z.object({ server: z.string(), move: moveSchema, pods: z.array(name).min(1) }),
  /** `place` is what a pod and its replacement share: a StatefulSet's pod its name, a DaemonSet's its node. */
  replace_pods: z.object({
    server: z.string(),
    move: moveSchema,
    pods: z.array(z.object({ name, place: name })).min(1)
  }),
  mark: z.object({ server: z.string(), to: z.string(), moves: z.array(moveSchema).min(1) }),
  argo_abort: z.object({ server: z.string(), move: moveSchema }),
  argo_promote: z.object({ server: z.string(), move: moveSchema }),
  helm_unlock: z.object({
    server: z.string(),
    release: releaseSchema.shape.release,
    revision: z.number().int().positive()
  }),
  helm_rollback: releaseSchema
}

export type StepKind = keyof typeof stepSchemas

/** Reads a step's parameters. @throws InputError for one that is not understood; TargetError for one of another cluster. */
export function paramsOf<K extends StepKind>(
  kind: K,
  step: Step,
  cluster: KubernetesContext
): z.infer<(typeof stepSchemas)[K]> {
  const parsed = stepSchemas[kind].safeParse(step.params)
  if (!parsed.success)
    throw new InputError({
      what: `The step "${step.title}" cannot be run`,
      why: 'its parameters are not understood',
      next: 'Use the version of the program that began the rollback.',
      code: 'unknown_step'
    })
  if (parsed.data.server !== cluster.api.server)
    throw new TargetError({
      what: `The step "${step.title}" was not carried out`,
      why: `it was planned for the cluster ${parsed.data.server}, and the configuration now names ${cluster.api.server}`,
      next: 'Restore the configuration that it was planned with, or assess again.',
      code: 'foreign_step'
    })
  return parsed.data as z.infer<(typeof stepSchemas)[K]>
}
