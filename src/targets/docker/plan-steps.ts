import type { JsonObject } from '../../model/json.ts'
import type { Release } from '../../model/release.ts'
import type { Step } from '../../model/step.ts'
import type { Survey } from '../../model/survey.ts'
import type { Candidate } from './candidate.ts'
import type { Container } from './inspect.ts'
import { fallbackName, temporaryName } from './names.ts'
import type { Replacement } from './steps/replacement.ts'
import { baseName } from './workload.ts'
import type { Workshop } from './workshop.ts'

/** How one container is replaced. */
export interface Way {
  container: Container
  /** Why old and new cannot run at once; null when they can. */
  whyNot: string | null
}

/** Pull and creation first, for all; then container by container; at last what is cleaned up. */
export function planSteps(
  workshop: Workshop,
  survey: Survey,
  release: Release,
  candidate: Candidate,
  ways: readonly Way[]
): Step[] {
  const replacements = ways.map((way) => replacementOf(workshop, survey, candidate, way))
  const first = replacements[0]
  const pulls = first && !candidate.image ? [pullStep(release, first)] : []
  return [
    ...pulls,
    ...replacements.map((params) => createStep(release, params)),
    ...replacements.flatMap((params) => (params.beside ? besideSteps(release, params) : swapSteps(release, params))),
    ...replacements.map(removeStep)
  ]
}

function replacementOf(
  workshop: Workshop,
  survey: Survey,
  candidate: Candidate,
  { container, whyNot }: Way
): Replacement {
  const name = baseName(container.Name)
  const policy = container.HostConfig.RestartPolicy
  return {
    container: container.Id,
    name,
    temporary: temporaryName(name, container.Id),
    fallback: fallbackName(name, container.Id),
    image: candidate.exact,
    shown: candidate.shown,
    replaced: `${survey.current?.version ?? 'unknown'} ${container.Image}`,
    beside: whyNot === null,
    was_running: container.State.Running || Boolean(container.State.Restarting),
    restart_policy: { Name: policy?.Name || 'no', MaximumRetryCount: policy?.MaximumRetryCount ?? 0 },
    stop_timeout: workshop.config.stop_timeout ?? null
  }
}

const pullStep = (release: Release, params: Replacement): Step => ({
  id: 'pull',
  kind: 'pull_image',
  phase: 'prepare',
  title: `Pulling the image of ${release.version}`,
  params: asJson(params),
  undo: null,
  byHand: [`docker pull ${params.image}`]
})

const createStep = (release: Release, params: Replacement): Step => ({
  id: `create:${params.name}`,
  kind: 'create_container',
  phase: 'prepare',
  title: `Creating ${params.name} from ${release.version}, not started`,
  params: asJson(params),
  undo: `remove ${params.temporary}`,
  byHand: [
    `docker inspect ${params.container.slice(0, 12)}`,
    `docker create --name ${params.temporary} (its options) ${params.image}`
  ],
  undoByHand: [`docker rm -f ${params.temporary}`]
})

function swapSteps(release: Release, params: Replacement): Step[] {
  return [
    {
      id: `swap:${params.name}`,
      kind: 'swap_container',
      phase: 'cure',
      title: `Stopping ${params.name}, starting ${release.version}`,
      params: asJson(params),
      undo: `stop the new ${params.name} and bring the old one back`,
      byHand: swapByHand(params),
      undoByHand: backByHand(params)
    },
    {
      id: `healthy:${params.name}`,
      kind: 'await_healthy',
      phase: 'cure',
      title: `Waiting until ${params.name} is healthy`,
      params: asJson(params),
      undo: null,
      byHand: [`docker inspect --format '{{json .State}}' ${params.name}`]
    }
  ]
}

function besideSteps(release: Release, params: Replacement): Step[] {
  return [
    {
      id: `beside:${params.name}`,
      kind: 'start_beside',
      phase: 'cure',
      title: `Starting ${release.version} beside ${params.name}, without traffic`,
      params: asJson(params),
      undo: `stop ${params.temporary}`,
      byHand: [`docker start ${params.temporary}`],
      undoByHand: [`docker stop ${params.temporary}`]
    },
    {
      id: `take_over:${params.name}`,
      kind: 'take_over',
      phase: 'cure',
      title: `Giving ${params.name}'s traffic to ${release.version}, stopping the old one`,
      params: asJson(params),
      undo: `start the old ${params.name} again under its name`,
      byHand: swapByHand(params),
      undoByHand: backByHand(params)
    }
  ]
}

const removeStep = (params: Replacement): Step => ({
  id: `remove:${params.name}`,
  kind: 'remove_container',
  phase: 'aftercare',
  title: `Removing the old ${params.name}; its volumes stay`,
  params: asJson(params),
  undo: null,
  byHand: [`docker rm ${params.fallback}`]
})

const swapByHand = ({ container, name, temporary, fallback }: Replacement): string[] => [
  `docker update --restart no ${container.slice(0, 12)}`,
  `docker rename ${container.slice(0, 12)} ${fallback}`,
  `docker rename ${temporary} ${name}`,
  `docker stop ${fallback}`,
  `docker start ${name}`
]

const backByHand = ({ name, temporary, fallback, was_running, restart_policy: policy }: Replacement): string[] => [
  `docker stop ${name}`,
  `docker rename ${name} ${temporary}`,
  `docker rename ${fallback} ${name}`,
  `docker update --restart ${policy.Name}${policy.MaximumRetryCount ? `:${policy.MaximumRetryCount}` : ''} ${name}`,
  ...(was_running ? [`docker start ${name}`] : [])
]

const asJson = (params: Replacement): JsonObject => params as JsonObject
