import { TargetError } from '../../../support/errors.ts'
import type { Run } from '../../target.ts'
import type { Workshop } from '../workshop.ts'
import { failureOf, isRunning, type Observed } from './health.ts'
import { inspectService } from './inspect.ts'
import type { ServiceStep } from './steps.ts'
import { observe } from './survey.ts'

const pollMs = 200
const patienceMs = 120_000

/**
 * Waits until every task runs the image and the swarm calls its update completed; says why tasks fail. Gives milliseconds.
 * @throws TargetError `not_healthy` when the update is paused, or time is up.
 */
export async function converge(workshop: Workshop, params: ServiceStep, run: Run): Promise<number> {
  const { clock, config } = workshop
  const began = clock.now().getTime()
  const limit = (config.health_timeout_seconds ?? patienceMs / 1000) * 1000
  let told = ''
  for (;;) {
    const observed = await look(workshop, params, run.signal)
    const { State: update = 'completed', Message: said = '' } = observed.service.UpdateStatus ?? {}
    const running = runningTasks(observed, params.image)
    if (running >= observed.wanted && isEnded(update)) return clock.now().getTime() - began
    const failure = newFailure(observed, params.image, began)
    if (update === 'paused' || update === 'rollback_paused') throw notConverged(params, said, failure)
    if (clock.now().getTime() - began > limit)
      throw notConverged(params, `${running} of ${observed.wanted} tasks run after ${limit / 1000} s`, failure)
    const line = `${running} of ${observed.wanted} tasks run ${params.image}${failure ? `; ${failure}` : ''}`
    if (line !== told) run.progress(line)
    told = line
    await clock.sleep(pollMs, run.signal)
  }
}

const isEnded = (state: string): boolean => state === 'completed' || state === 'rollback_completed'

const runningTasks = ({ tasks }: Observed, image: string): number =>
  tasks.filter((task) => isRunning(task) && task.Spec.ContainerSpec.Image === image).length

const newFailure = ({ tasks }: Observed, image: string, since: number): string | null => {
  const failed = tasks.find(
    (task) =>
      (task.Status.State === 'failed' || task.Status.State === 'rejected') &&
      task.Spec.ContainerSpec.Image === image &&
      Date.parse(task.Status.Timestamp) >= since - 1000
  )
  return failed ? failureOf(failed) : null
}

async function look(workshop: Workshop, { id, name }: ServiceStep, signal: AbortSignal): Promise<Observed> {
  const service = await inspectService(workshop.engine, id, signal)
  const [observed] = service ? await observe(workshop, [service], signal) : []
  if (observed) return observed
  throw new TargetError({
    what: `The swarm service ${name} is gone`,
    why: 'somebody removed it while it was rolled',
    state: `${name} does not exist.`,
    next: 'Deploy it again, then assess.',
    code: 'gone'
  })
}

const notConverged = ({ name, image }: ServiceStep, why: string, failure: string | null): TargetError =>
  new TargetError({
    what: `${name} did not come up with ${image}`,
    why: [why, failure].filter(Boolean).join('; '),
    state: `${name} is left with ${image} in its specification until it is undone.`,
    next: `Look at docker service ps --no-trunc ${name}.`,
    code: 'not_healthy'
  })
