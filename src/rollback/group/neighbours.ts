import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Observation } from '../../model/observation.ts'
import { readDeployFile } from '../../project/deploy-file.ts'
import { historyOf } from '../../project/history.ts'
import { projectPaths } from '../../project/paths.ts'
import { messageOf } from '../../support/errors.ts'
import { anySignal } from '../../support/limit.ts'
import { quoteLine } from '../../support/quote.ts'
import type { Assessment, Neighbour } from '../assess/assessment.ts'
import { recordedFailure } from '../assess/evidence.ts'
import { spareObservation } from '../assess/spare-names.ts'
import { withSession } from '../open-session.ts'
import { hasFailed } from '../run/compare-health.ts'
import type { ProjectContext } from '../session.ts'
import { type Bond, markOf, recordedMark, sameRelease } from './same-release.ts'

const mostNeighbours = 12

/** Another target of deploy.json, while it is being looked at. */
interface Looked {
  target: string
  history: readonly DeploymentRecord[]
  /** How deploy.json bonds the two; null where it has no deployment of one of them. */
  recorded: Bond | null
  observation: Promise<Observation | string>
}

/** The other targets of a release, while they are being observed. */
export interface NeighbourSearch {
  /** Those of the assessed release, once each has answered, and at most `ms` after this call. */
  of(assessment: Pick<Assessment, 'current'>, history: readonly DeploymentRecord[], ms: number): Promise<Neighbour[]>
}

/**
 * Begins to observe the other enabled targets of deploy.json, except those that it records with another release. Never fails: a
 * neighbour that does not answer is named as one.
 */
export function searchNeighbours(project: ProjectContext, target: string, signal: AbortSignal): NeighbourSearch {
  const over = new AbortController()
  const begun = begin(project, target, anySignal(signal, over.signal)).catch((error: unknown): Looked[] => {
    project.log('debug', `The other targets of the release were not looked for: ${messageOf(error)}`)
    return []
  })
  return {
    async of({ current }, history, ms) {
      if (!current) return []
      const mark = markOf(current, history)
      const end = project.clock.limit(ms)
      end.addEventListener('abort', () => over.abort(end.reason))
      const looked = await within(end, begun, [])
      const found = await Promise.all(
        looked.map(async (one) => ({
          ...one,
          seen: await within(end, one.observation, 'it did not answer in time')
        }))
      )
      return found.flatMap(({ target: name, history: own, recorded, seen }) => {
        if (typeof seen === 'string') return recorded ? [silent(name, recorded, seen)] : []
        const bond = seen.current && sameRelease(mark, markOf(seen.current, own))
        return seen.current && bond ? [neighbourOf(name, bond, seen, own)] : []
      })
    }
  }
}

async function begin(project: ProjectContext, target: string, signal: AbortSignal): Promise<Looked[]> {
  const file = await readDeployFile(projectPaths(project.projectDir), project.env)
  const own = recordedMark(historyOf(file, target))
  const others = [...(file?.targets.values() ?? [])].filter(({ name, enabled }) => enabled && name !== target)
  return others
    .flatMap(({ name }) => {
      const history = historyOf(file, name)
      const mark = recordedMark(history)
      const recorded = own && mark && sameRelease(own, mark)
      return recorded || !own || history.length === 0 ? [{ target: name, history, recorded }] : []
    })
    .slice(0, mostNeighbours)
    .map((one) => ({ ...one, observation: observe(project, one.target, signal) }))
}

const observe = (project: ProjectContext, target: string, signal: AbortSignal): Promise<Observation | string> =>
  withSession(project, { target }, async (session) => {
    const { observation } = await session.target.observe(signal)
    spareObservation(project.mask, observation)
    return observation
  }).catch((error: unknown) => quoteLine(project.mask, messageOf(error), 200))

const neighbourOf = (
  target: string,
  bond: Bond,
  { current, health }: Observation,
  history: readonly DeploymentRecord[]
): Neighbour => {
  const failure = recordedFailure(history, current)
  const failed = hasFailed(health.state) || (failure !== null && !failure.repeated)
  return { target, bond, version: current?.version ?? null, health, failed }
}

const silent = (target: string, bond: Bond, message: string): Neighbour => ({
  target,
  bond,
  version: null,
  health: { state: 'unknown', message },
  failed: false
})

/** What the work gives, or `otherwise` where that takes until the signal aborts. */
const within = async <Result>(signal: AbortSignal, work: Promise<Result>, otherwise: Result): Promise<Result> => {
  if (signal.aborted) return otherwise
  return Promise.race([
    work,
    new Promise<Result>((resolve) => signal.addEventListener('abort', () => resolve(otherwise), { once: true }))
  ])
}
