import { z } from 'zod'
import type { StepKind } from '../../../define-steps.ts'
import type { Run, StepResult } from '../../../target.ts'
import { type DockerContext, hideEnvironment } from '../../context.ts'
import { throughRestarts } from '../../engine/restarts.ts'
import { containerNamePattern } from '../../objects/reference.ts'
import type { Container } from '../../objects/schemas.ts'
import { replacedLabel } from '../recreate/request.ts'

const name = z.string().regex(containerNamePattern)

/** What a step needs to know of one container; what it names is looked up when the step runs. */
const replacementSchema = z.looseObject({
  /** The id of the container that is replaced. */
  container: z.string().regex(/^[a-f0-9]{64}$/),
  name,
  temporary: name,
  fallback: name,
  rehearsal: name,
  /** Exact: an image id, or `repository@digest`. */
  image: z.string().min(1),
  /** The tag under which it is to be shown, as far as that tag means the same image: `repository:1.1.0`. */
  shown: z.string().nullable(),
  /** What is replaced, for the label: `1.2.0 sha256:…`. */
  replaced: z.string(),
  /** Started beside the old one, without aliases until healthy. */
  beside: z.boolean(),
  was_running: z.boolean(),
  restart_policy: z.looseObject({ Name: z.string(), MaximumRetryCount: z.number() }),
  stop_timeout: z.number().nullable()
})

/** The parameters of every step: the containers that it handles at once. */
const rollSchema = z.looseObject({ members: z.array(replacementSchema).min(1) })

type Roll = z.infer<typeof rollSchema>

export type Replacement = z.infer<typeof replacementSchema>

/** The container that is replaced; null once it was removed. */
export async function findOld(
  docker: DockerContext,
  params: Replacement,
  signal: AbortSignal
): Promise<Container | null> {
  const container = await docker.engine.containers.inspect(params.container, signal)
  if (container) hideEnvironment(docker.mask, container)
  return container
}

/** The replacement, under its temporary name or already under the final one; null before it was created. */
export async function findNew(
  docker: DockerContext,
  params: Replacement,
  signal: AbortSignal
): Promise<Container | null> {
  const temporary = await docker.engine.containers.inspect(params.temporary, signal)
  const found = temporary ?? (await docker.engine.containers.inspect(params.name, signal))
  if (!found || found.Id === params.container || found.Config.Labels?.[replacedLabel] !== params.replaced) return null
  hideEnvironment(docker.mask, found)
  return found
}

/** A replacement that was started passed the comparison with the old one, and may serve: it is not touched. */
export const hasStarted = ({ State: state }: Container): boolean => state.Status !== 'created'

/** What a step does with each container, and how it is undone. */
export interface ReplacementWork {
  apply(docker: DockerContext, params: Replacement, run: Run): Promise<StepResult>
  /** Left out where nothing needs undoing. */
  revert?(docker: DockerContext, params: Replacement, run: Run): Promise<StepResult>
}

/** A step that works on several containers at once; all are finished before a failure of one is reported. */
export function forEachReplacement({ apply, revert }: ReplacementWork): StepKind<DockerContext, Roll> {
  const each = async (docker: DockerContext, { members }: Roll, run: Run, work: ReplacementWork['apply']) => {
    const results = await Promise.allSettled(
      members.map((member) => throughRestarts(docker, run, () => work(docker, member, run)))
    )
    const details = results.map((result, index) => {
      if (result.status === 'rejected') throw result.reason
      const { detail } = result.value
      return members.length > 1 ? `${members[index]?.name}: ${detail}` : detail
    })
    return { detail: details.join('; ') }
  }
  return {
    params: rollSchema,
    apply: (docker, params, run) => each(docker, params, run, apply),
    ...(revert && { revert: (docker, params, run) => each(docker, params, run, revert) })
  }
}
