import { z } from 'zod'
import type { JsonObject } from '../../../../model/json.ts'
import type { Step } from '../../../../model/step.ts'
import { defineStep, type PlannedStepType } from '../../../define-step.ts'
import type { Run, StepResult } from '../../../target.ts'
import type { DockerContext } from '../../context.ts'
import { throughRestarts } from '../../engine/restarts.ts'
import type { Container } from '../../objects/schemas.ts'
import type { ContainersState } from '../observe/observe.ts'
import { replacedLabel } from '../recreate/request.ts'
import { names, type Replacement, replacementSchema, temporaryOf } from './member.ts'
import { whyNotOurs } from './mismatch.ts'

/** The parameters of every step: the containers that it handles at once. */
export const rollSchema = z.object({ members: z.array(replacementSchema).min(1) })

/** The container that is replaced; null once it was removed. */
export const findOld = (docker: DockerContext, params: Replacement, signal: AbortSignal): Promise<Container | null> =>
  docker.engine.containers.inspect(params.container, signal)

/** The replacement, under its temporary name or already under the final one; null before it was created. */
export async function findNew(
  docker: DockerContext,
  params: Replacement,
  signal: AbortSignal
): Promise<Container | null> {
  const temporary = await docker.engine.containers.inspect(temporaryOf(params), signal)
  const found = temporary ?? (await docker.engine.containers.inspect(params.name, signal))
  return found?.Config.Labels?.[replacedLabel] === params.replaced && found.Id !== params.container ? found : null
}

/** A replacement that was started passed the comparison with the old one, and may serve: it is not touched. */
export const hasStarted = ({ State: state }: Container): boolean => state.Status !== 'created'

/** What a step does with each container, how it is undone, and what people read of it. */
interface ReplacementWork extends Pick<Step, 'kind' | 'phase'> {
  /** How the replacement must be started; left out where a step serves both ways. */
  beside?: boolean
  describe(members: readonly Replacement[], version: string): Omit<Step, 'kind' | 'phase' | 'params'>
  apply(docker: DockerContext, params: Replacement, run: Run): Promise<StepResult>
  /** Left out where nothing needs undoing. */
  revert?(docker: DockerContext, params: Replacement, run: Run): Promise<StepResult>
}

export type RollStep = PlannedStepType<DockerContext, ContainersState, z.infer<typeof rollSchema> & JsonObject>

/** A step that works on several containers at once; all are finished before a failure of one is reported. */
export function forEachReplacement({ kind, phase, beside, describe, apply, revert }: ReplacementWork): RollStep {
  const each = async (
    docker: DockerContext,
    members: readonly Replacement[],
    run: Run,
    work: ReplacementWork['apply']
  ) => {
    const results = await Promise.allSettled(
      members.map((member) => throughRestarts(docker, run, () => work(docker, member, run)))
    )
    const details = results.map((result, index) => {
      if (result.status === 'rejected') throw result.reason
      const { detail } = result.value
      return members.length > 1 ? `${members[index]?.name}: ${detail}` : detail
    })
    const remains = results.flatMap((result) => (result.status === 'fulfilled' ? (result.value.remains ?? []) : []))
    return { detail: details.join('; '), ...(remains.length > 0 && { remains }) }
  }
  return defineStep<DockerContext, ContainersState>()({
    kind,
    phase,
    params: rollSchema,
    describe: (_docker, { members }, { to }) => describe(members, to.version),
    async mismatch(docker, { members }, known) {
      if (beside !== undefined && members.some((member) => member.beside !== beside))
        return `it starts ${names(members)} the other way`
      const why = await Promise.all(members.map((member) => whyNotOurs(docker, member, known)))
      return why.find((one) => one !== null) ?? null
    },
    apply: (docker, { members }, run) => each(docker, members, run, apply),
    ...(revert && { revert: (docker, { members }, run) => each(docker, members, run, revert) })
  })
}
