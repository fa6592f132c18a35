import { TargetError } from '../../../support/errors.ts'
import type { Run } from '../../target.ts'
import type { DockerContext } from '../context.ts'
import type { Service } from '../objects/swarm-schemas.ts'
import { failureOf, isRunning, type ObservedService } from './health.ts'
import { imageOf } from './inspect.ts'
import { observeTasks } from './observe.ts'

const pollMs = 200
const defaultPatienceMs = 120_000
/** What the swarm takes where a service says nothing (swarmkit, api/defaults). */
const defaultMonitorNs = 5e9
const defaultGraceNs = 10e9

/**
 * Waits until every task runs the image and the swarm calls its update completed; says why tasks fail. Gives milliseconds.
 * The limit is for each task, not for all: it starts again whenever one more of them runs.
 * @throws TargetError `not_healthy` when the update is paused, or no further task starts to run.
 */
export async function converge(docker: DockerContext, service: Rolled, image: string, run: Run): Promise<number> {
  const { tookMs, trouble } = await follow(docker, service, image, run)
  if (trouble) throw notConverged(service, image, trouble)
  return tookMs
}

/** A service that is rolled. */
interface Rolled {
  id: string
  name: string
}

interface Followed {
  tookMs: number
  /** How many tasks run the image, of how many. */
  running: number
  wanted: number
  /** Why the tasks have not converged; null when they have. */
  trouble: string | null
}

/** Follows the tasks of a service towards an image, to the end whichever it is. */
export async function follow(docker: DockerContext, rolled: Rolled, image: string, run: Run): Promise<Followed> {
  const { clock, config } = docker
  const began = clock.now().getTime()
  const patienceMs = config.health_timeout_seconds ? config.health_timeout_seconds * 1000 : defaultPatienceMs
  let best = { at: began, mark: '' }
  let most = 0
  let told = ''
  for (;;) {
    const observed = await look(docker, rolled, run.signal)
    const { wanted, service } = observed
    const { State: update = 'completed', Message: said = '' } = service.UpdateStatus ?? {}
    const now = clock.now().getTime()
    const running = runningTasks(observed, image)
    most = Math.max(most, running)
    const end = (trouble: string | null): Followed => ({ tookMs: now - began, running, wanted, trouble })
    if (imageOf(service.Spec) !== image)
      return end(`its specification now names ${imageOf(service.Spec)}${said && `: ${said}`}`)
    if (running >= wanted && isEnded(update)) return end(null)
    const failure = newFailure(observed, image, began)
    const because = (why: string): Followed => end([why, failure].filter(Boolean).join('; '))
    if (update === 'paused' || update === 'rollback_paused') return because(said)
    const mark = `${most} ${update}`
    if (mark !== best.mark) best = { at: now, mark }
    const limitMs = patienceMs + pauseBetween(service)
    if (now - best.at > limitMs)
      return because(`${running} of ${wanted} tasks run, and no more for ${Math.round(limitMs / 1000)} s`)
    const line = `${running} of ${wanted} tasks run ${image}${failure ? `; ${failure}` : ''}`
    if (line !== told) run.progress(line)
    told = line
    await clock.sleep(pollMs, run.signal)
  }
}

const isEnded = (state: string): boolean => state === 'completed' || state === 'rollback_completed'

/** How long the swarm itself lets pass between a task that runs and the start of the next. */
function pauseBetween({ Spec }: Service): number {
  const pauses = [Spec.UpdateConfig, Spec.RollbackConfig].map(
    (order) => (order?.Delay ?? 0) + (order?.Monitor || defaultMonitorNs)
  )
  return (Math.max(...pauses) + (Spec.TaskTemplate.ContainerSpec.StopGracePeriod ?? defaultGraceNs)) / 1e6
}

const runningTasks = ({ tasks }: ObservedService, image: string): number =>
  tasks.filter((task) => isRunning(task) && task.Spec.ContainerSpec.Image === image).length

const newFailure = ({ tasks }: ObservedService, image: string, since: number): string | null => {
  const failed = tasks.find(
    (task) =>
      (task.Status.State === 'failed' || task.Status.State === 'rejected') &&
      task.Spec.ContainerSpec.Image === image &&
      Date.parse(task.Status.Timestamp) >= since - 1000
  )
  return failed ? failureOf(failed) : null
}

async function look(docker: DockerContext, { id, name }: Rolled, signal: AbortSignal): Promise<ObservedService> {
  const service = await docker.engine.services.inspect(id, signal)
  const [observed] = service ? await observeTasks(docker, [service], signal) : []
  if (observed) return observed
  throw serviceGone(name, 'it was removed during the rollback')
}

export const serviceGone = (name: string, why: string): TargetError =>
  new TargetError({
    what: `The swarm service ${name} does not exist`,
    why,
    state: `${name} does not run.`,
    next: 'Deploy it again, then assess.',
    code: 'gone'
  })

const notConverged = ({ name }: Rolled, image: string, why: string): TargetError =>
  new TargetError({
    what: `${name} did not come up with ${image}`,
    why,
    state: `${name} keeps ${image} in its specification until the rollback is undone.`,
    next: `Read the tasks: docker service ps --no-trunc ${name}.`,
    code: 'not_healthy'
  })
