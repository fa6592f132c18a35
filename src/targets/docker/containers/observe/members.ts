import type { IsJob } from '../../compose/jobs.ts'
import { ownedBy } from '../../compose/labels.ts'
import { marked } from '../../objects/names.ts'
import type { Container } from '../../objects/schemas.ts'
import { replacedLabel } from '../recreate/request.ts'

/** What serves, or should, and what is left alone. */
export interface Members {
  containers: Container[]
  /** Stopped ones, never started: evidence of what once served. */
  retired: Container[]
  /** Jobs, shells, and what failed: left alone, and no evidence. */
  aside: Container[]
  /** Why it is not clear which containers are meant. */
  ambiguous?: string
}

/**
 * Parts what serves, or should, from what was left behind: jobs, containers that were stopped on purpose, and predecessors are never
 * started. `asked` tells the services that the configuration names, jobs among them.
 */
export function membersOf(
  found: readonly Container[],
  isJob: IsJob,
  asked: (container: Container) => boolean
): Members {
  const some = withoutShells(found.filter((container) => asked(container) || !isJob(container)))
  const up = some.filter(isUp)
  const { chosen, ambiguous } = up.length === 0 ? { chosen: allDown(some), ambiguous: undefined } : besides(some, up)
  const others = found.filter((container) => !chosen.includes(container))
  const isAside = (container: Container): boolean =>
    isJob(container) || !some.includes(container) || isUp(container) || hasFailed(container)
  return {
    containers: found.filter((container) => chosen.includes(container)),
    retired: others.filter((container) => !isAside(container)),
    aside: others.filter(isAside),
    ...(ambiguous !== undefined && { ambiguous })
  }
}

const isUp = ({ State: { Running, Restarting } }: Container): boolean => Running || Boolean(Restarting)

/** A container with --rm, or an open terminal, that publishes nothing is a shell of a person, where something else serves. */
function withoutShells(found: readonly Container[]): readonly Container[] {
  const others = found.filter((container) => !isShell(container))
  return others.some((container) => isUp(container) || isService(container)) ? others : found
}

export const isShell = (container: Container): boolean =>
  !publishes(container) &&
  !isOfCompose(container) &&
  (Boolean(container.HostConfig.AutoRemove) ||
    (isUp(container) && hasTerminal(container) && policyOf(container) === ''))

const hasTerminal = ({ Config }: Container): boolean => Config.Tty === true && Config.OpenStdin === true

/** Beside others that are up, a stopped container counts only where it failed, and nothing took its place. */
function besides(found: readonly Container[], up: readonly Container[]): { chosen: Container[]; ambiguous?: string } {
  const images = new Set(up.map(({ Image: image }) => image))
  const newestUp = newestOf(up)
  const newest = newestOf(found)
  const isNewer = ({ Created }: Container): boolean => Date.parse(Created) > Date.parse(newestUp?.Created ?? '')
  const counts = (container: Container): boolean => {
    if (up.includes(container) || marked(container.Name) || isUnstarted(container)) return true
    if (!hasFailed(container) || isBeforeRollback(container, up) || isReplacedBy(container, up)) return false
    if (container.Config.Labels?.[replacedLabel] !== undefined) return true
    return isService(container) && (images.has(container.Image) || (isOfCompose(container) && isNewer(container)))
  }
  const chosen = found.filter(counts)
  const strayed =
    newest && !chosen.includes(newest) && !images.has(newest.Image) && hasFailed(newest) && !isReplacedBy(newest, up)
  if (!strayed || isBeforeRollback(newest, up)) return { chosen }
  const names = up.map(({ Name }) => Name).join(', ')
  const ambiguous = `${newest.Name} is the newest container and does not run, while ${names} ${up.length === 1 ? 'runs' : 'run'} another image`
  return { chosen, ambiguous }
}

/** With nothing up: what failed as a service, else what was stopped with it. */
function allDown(found: readonly Container[]): Container[] {
  const services = found.filter(isService)
  const failed = services.filter(hasFailed)
  const weak = found.filter((container) => !isService(container) && hasFailed(container))
  const others = services.some(publishes) ? services : [...services, ...weak]
  const meant = failed.length > 0 ? failed : others.length > 0 ? others : found
  const newest = newestOf(meant)
  return meant.filter((container) => container.Image === newest?.Image)
}

/** Something runs it, or reaches it: a restart policy, Compose, a published port. */
const isService = (container: Container): boolean =>
  publishes(container) || isOfCompose(container) || policyOf(container) !== ''

const isOfCompose = ({ Config }: Container): boolean => ownedBy(Config.Labels) !== null

const policyOf = ({ HostConfig: { RestartPolicy: policy } }: Container): string =>
  policy?.Name && policy.Name !== 'no' ? policy.Name : ''

/** Whether it publishes ports of the host. */
export const publishes = (container: Container): boolean =>
  Boolean(container.HostConfig.PublishAllPorts) || hostPortsOf(container).length > 0

const hostPortsOf = ({ HostConfig: { PortBindings: bindings } }: Container): string[] =>
  Object.entries(bindings ?? {}).flatMap(([inside, hosts]) =>
    (hosts ?? []).map(({ HostPort }) => `${HostPort ?? ''}/${inside.split('/')[1] ?? 'tcp'}`)
  )

/** The exit codes of SIGINT, SIGKILL and SIGTERM: a person or a script stopped it. */
const signals = [130, 137, 143]

/**
 * Ended with a failure, or could not start. The engine starts again what failed under `always` and `unless-stopped`, so one of these
 * that has ended without an error of the engine was stopped.
 */
function hasFailed(container: Container): boolean {
  const { State: state } = container
  if (isUp(container)) return false
  if (state.Error) return true
  if (state.Status === 'created') return isOfCompose(container)
  if (state.OOMKilled) return true
  if (['always', 'unless-stopped'].includes(policyOf(container))) return false
  return state.ExitCode !== 0 && !signals.includes(state.ExitCode ?? 0)
}

/** One that is up has its port. */
function isReplacedBy(container: Container, up: readonly Container[]): boolean {
  const taken = new Set(up.flatMap(hostPortsOf).filter((port) => Number.parseInt(port, 10) > 0))
  return hostPortsOf(container).some((port) => taken.has(port))
}

/** It had ended when a rollback created what is up now, and the rollback left it alone. */
function isBeforeRollback(container: Container, up: readonly Container[]): boolean {
  const ended = Date.parse(container.State.FinishedAt ?? '')
  if (container.State.Status === 'created' || container.Config.Labels?.[replacedLabel] !== undefined) return false
  return up.some(({ Config, Created }) => Config.Labels?.[replacedLabel] !== undefined && Date.parse(Created) > ended)
}

/** A replacement that a rollback has created and not started yet. */
const isUnstarted = ({ State, Config }: Container): boolean =>
  State.Status === 'created' && Config.Labels?.[replacedLabel] !== undefined

const newestOf = (containers: readonly Container[]): Container | undefined =>
  [...containers].sort((a, b) => Date.parse(b.Created) - Date.parse(a.Created))[0]
