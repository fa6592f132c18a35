import type { Health } from '../../../model/observation.ts'
import { quoted } from '../../../support/text.ts'
import type { Service, Task } from '../objects/swarm-schemas.ts'
import { imageOf, replicasOf } from './inspect.ts'

/** How long a task must run, after others of its service failed, to count as one that stays. */
const steadyMs = 10_000
const recentMs = 5 * 60_000

export interface ObservedService {
  service: Service
  tasks: Task[]
  /** Tasks that should run: the replicas, or one a node that fits. */
  wanted: number
}

export const isRunning = (task: Task): boolean => task.DesiredState === 'running' && task.Status.State === 'running'
const hasFailed = ({ Status }: Task): boolean => Status.State === 'failed' || Status.State === 'rejected'

/** Why a task failed, as the swarm says. */
export const failureOf = ({ Status, Slot }: Task): string => {
  const exit = Status.ContainerStatus?.ExitCode
  const why = Status.Err || Status.Message || Status.State
  return `task${Slot ? ` ${Slot}` : ''} ${Status.State}: ${quoted(why, 160)}${exit && !why.includes(String(exit)) ? ` (exit code ${exit})` : ''}`
}

/** Failures of tasks of today's specification within the last minutes, newest first. */
export const recentFailures = ({ service, tasks }: ObservedService, now: number): Task[] =>
  tasks.filter(
    (task) =>
      hasFailed(task) &&
      task.Spec.ContainerSpec.Image === imageOf(service.Spec) &&
      now - Date.parse(task.Status.Timestamp) < recentMs
  )

/** The health of all services together: the worst. */
export function healthOf(observed: readonly ObservedService[], now: number): Health {
  if (observed.length === 0) return { state: 'down', message: 'there is no service' }
  const each = observed.map((one) => serviceHealth(one, now))
  const order: Health['state'][] = ['down', 'degraded', 'unknown', 'progressing', 'healthy']
  const worst = each.sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))[0]
  if (!worst) return { state: 'unknown', message: 'unknown' }
  const sum = (count: (one: ObservedService) => number): number =>
    observed.reduce((total, one) => total + count(one), 0)
  return { ...worst, instances: { serving: sum((one) => steadyTasks(one, now)), all: sum(({ wanted }) => wanted) } }
}

export function serviceHealth(observed: ObservedService, now: number): Health {
  const { service, wanted } = observed
  const { Name } = service.Spec
  const failures = recentFailures(observed, now)
  const steady = steadyTasks(observed, now)
  const reason = failures[0] ? `; ${failureOf(failures[0])}` : ''
  const { State: update = '', Message: said = '' } = service.UpdateStatus ?? {}
  if (wanted > 0 && steady === 0 && (failures.length > 0 || !/^(updating|rollback_started)$/.test(update)))
    return { state: 'down', message: `${Name}: none of ${wanted} tasks stays up${reason}` }
  if (update === 'paused' || update === 'rollback_paused')
    return {
      state: 'degraded',
      message: `${Name}: ${steady} of ${wanted} tasks run; the update is paused: ${quoted(said, 160)}`
    }
  if (steady < wanted && failures.length > 0)
    return { state: 'degraded', message: `${Name}: ${steady} of ${wanted} tasks run${reason}` }
  if (steady < wanted || update === 'updating' || update === 'rollback_started')
    return { state: 'progressing', message: `${Name}: ${steady} of ${wanted} tasks run` }
  return { state: 'healthy', message: `${Name}: ${steady} of ${wanted} tasks run` }
}

function steadyTasks(observed: ObservedService, now: number): number {
  const failures = recentFailures(observed, now)
  const isSteady = (task: Task): boolean => failures.length === 0 || stays(task, observed.service, now)
  return observed.tasks.filter((task) => isRunning(task) && isSteady(task)).length
}

/** After failures of today's image, a task of it counts only once it has run for a while; one of the image before counts. */
const stays = (task: Task, { Spec }: Service, now: number): boolean =>
  task.Spec.ContainerSpec.Image !== imageOf(Spec) || now - Date.parse(task.Status.Timestamp) > steadyMs

/**
 * How many tasks a service should have: its replicas, or one on each node that the swarm has given one to, which are those that
 * fit its constraints.
 */
export function wantedTasks({ Spec }: Service, tasks: readonly Task[]): number {
  const replicas = replicasOf(Spec)
  if (replicas !== null) return replicas
  const nodes = new Set(tasks.filter(({ DesiredState }) => isWanted(DesiredState)).map(({ NodeID }) => NodeID))
  return Math.max(1, nodes.size)
}

/** A task that waits to be started again after a failure is to be `ready`. */
const isWanted = (state: string): boolean => state === 'running' || state === 'ready'
