import type { Risk } from '../../../../model/observation.ts'
import type { Container } from '../../objects/schemas.ts'
import { isShell } from './members.ts'
import type { Workload } from './workload.ts'

type LeftAlone = Pick<Workload, 'retired' | 'aside' | 'isJob'>

/** What is neither replaced nor started, and why, one line each. */
export function leftAloneNotes({ retired, aside, isJob }: LeftAlone): string[] {
  const jobs = aside.filter(isJob)
  const shells = aside.filter((container) => !isJob(container) && container.State.Running && isShell(container))
  const stopped = [...retired, ...aside.filter((container) => !jobs.includes(container) && !shells.includes(container))]
  return [
    ...jobs
      .filter(({ State }) => !State.Running)
      .map(
        ({ Name, State }) =>
          `${Name} is a job that other services wait for. It is not started again; ${State.Status === 'exited' ? `it ended with exit code ${State.ExitCode}` : `it is ${State.Status}`}.`
      ),
    ...shells.map(
      ({ Name }) =>
        `${Name} was started with --rm or a terminal, and publishes no port: it is left alone. End it (docker stop ${Name}), or name the containers to roll back in \`containers\`.`
    ),
    ...(stopped.length === 0
      ? []
      : [
          `Stopped containers are left alone: ${stopped
            .map(({ Name, State: { Status, ExitCode } }) =>
              Status === 'exited' ? `${Name} (exit code ${ExitCode})` : `${Name} (${Status})`
            )
            .sort()
            .join(', ')}. To roll one of them back as well, name it in \`containers\`.`
        ])
  ]
}

/** A job of the newer version goes on changing data while the earlier version serves. */
export const runningJobRisks = ({ aside, isJob }: LeftAlone): Risk[] =>
  aside
    .filter((container) => container.State.Running && isJob(container))
    .map(({ Name }) => ({
      id: `job_running:${Name}`,
      serious: true,
      title: `The job ${Name} still runs`,
      detail: `The rollback neither stops nor replaces it, and it goes on while the earlier version serves. If it must not, stop it first: docker stop ${Name}`
    }))

/** A job that ended well is as it should be. */
export function withoutDone({ containers, isJob }: Pick<Workload, 'containers' | 'isJob'>): Container[] {
  const left = containers.filter((container) => !isJob(container) || !isDone(container))
  return left.length > 0 ? left : containers
}

/** Ended with exit code 0. */
export const isDone = ({ State: { Status, ExitCode } }: Container): boolean => Status === 'exited' && ExitCode === 0
