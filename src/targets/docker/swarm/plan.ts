import type { DeploymentRecord } from '../../../model/deployment-record.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { Observation, Risk } from '../../../model/observation.ts'
import type { PlanDraft } from '../../../model/plan.ts'
import type { Release } from '../../../model/release.ts'
import type { Step } from '../../../model/step.ts'
import { fingerprint, fingerprintOf } from '../../../support/canonical.ts'
import type { Move } from '../../target.ts'
import { findCandidate } from '../containers/plan/candidate-image.ts'
import type { DockerContext } from '../context.ts'
import type { Service } from '../objects/swarm-schemas.ts'
import { isRunning, type ObservedService } from './health.ts'
import { differsInImageOnly, hashOf, imageOf, replicasOf } from './inspect.ts'
import { isRelease, type ServicesState } from './observe.ts'
import { borrowedUpdate, rollService, type ServiceStep, serviceSettings } from './steps.ts'

/** The steps from what serves to a release: one a service, each followed until its tasks have converged. */
export async function planServices(
  docker: DockerContext,
  observation: Observation,
  { services }: ServicesState,
  release: Release,
  history: readonly DeploymentRecord[],
  signal: AbortSignal
): Promise<PlanDraft> {
  const candidate = await findCandidate(docker, release, history, signal)
  const nodes = (await docker.engine.nodes.list(signal)).filter(
    ({ Spec, Status }) => Spec.Availability === 'active' && Status.State === 'ready'
  ).length
  const image = candidate.exact.includes('@') ? candidate.exact : (candidate.shown ?? candidate.exact)
  const move = { from: observation.current, to: release }
  const planned = services.map(({ service }) => stepOf(docker, service, move, image))
  return {
    steps: [
      ...planned.map(({ step }) => step),
      ...services.flatMap(({ service }, index) => settingsSteps(docker, service, planned[index]?.step, move))
    ],
    risks: [
      ...candidate.risks,
      ...(candidate.loginRisk ? [candidate.loginRisk] : []),
      ...(image.includes('@') ? [] : localImageRisks(image, nodes)),
      ...services.flatMap((one, index) => lastTaskRisks(one, planned[index]?.step))
    ],
    blockers: candidate.blockers,
    fingerprint: fingerprint({ image }),
    notes: [...candidate.notes, ...planned.map(({ note }) => note)]
  }
}

function stepOf(docker: DockerContext, service: Service, move: Move, image: string): { step: Step; note: string } {
  const { Spec, PreviousSpec } = service
  const remembered = PreviousSpec != null && isRelease(PreviousSpec, move.to)
  const sameScale = PreviousSpec != null && replicasOf(PreviousSpec) === replicasOf(Spec)
  const method: ServiceStep['method'] = remembered && sameScale ? 'previous' : 'image'
  const params: ServiceStep = {
    id: service.ID,
    name: Spec.Name,
    method,
    image: method === 'previous' && PreviousSpec ? imageOf(PreviousSpec) : image,
    from: imageOf(Spec),
    spec: hashOf(Spec),
    updateConfig: (Spec.UpdateConfig ?? null) as JsonObject | null
  }
  return { step: rollService.plan(docker, params, move), note: noteOf(service, method, remembered) }
}

/** Only a roll by image borrows the settings for rollbacks, and only where they differ. */
function settingsSteps(docker: DockerContext, { ID, Spec }: Service, roll: Step | undefined, move: Move): Step[] {
  const isSame = fingerprintOf(Spec.UpdateConfig ?? null) === fingerprintOf(borrowedUpdate(Spec) ?? null)
  if (roll?.params.method !== 'image' || isSame) return []
  const updateConfig = (Spec.UpdateConfig ?? null) as JsonObject | null
  return [serviceSettings.plan(docker, { id: ID, name: Spec.Name, updateConfig }, move)]
}

function noteOf({ Spec, PreviousSpec }: Service, method: ServiceStep['method'], remembered: boolean): string {
  if (method === 'previous')
    return PreviousSpec && differsInImageOnly(PreviousSpec, Spec)
      ? `${Spec.Name} goes back to its previous specification, which differs only in the image.`
      : `${Spec.Name} goes back to its previous specification: the image and the settings (environment, limits, ports) of that time.`
  const why = remembered
    ? 'its previous specification has another number of replicas'
    : 'its previous specification is for another version'
  return `${Spec.Name} keeps today's settings and changes only the image, because ${why}.`
}

const localImageRisks = (image: string, nodes: number): Risk[] =>
  nodes < 2
    ? []
    : [
        {
          id: `image_on_one_node:${image}`,
          serious: true,
          title: `${image} has no digest in a registry`,
          detail: `The swarm has ${nodes} active nodes; those without the image cannot start a task of it.`
        }
      ]

/** A roll that stops before it starts may stop the last task that still serves (github.com/moby/moby/issues/37972, 43081). */
function lastTaskRisks({ service, tasks, wanted }: ObservedService, roll: Step | undefined): Risk[] {
  const { Spec, PreviousSpec } = service
  // The swarm obeys the specification that it restores.
  const orders = roll?.params.method === 'previous' ? PreviousSpec?.RollbackConfig : borrowedUpdate(Spec)
  const { Order = 'stop-first', Parallelism = 1 } = orders ?? {}
  const serving = tasks.filter((task) => isRunning(task) && task.Spec.ContainerSpec.Image !== imageOf(Spec)).length
  const atOnce = Parallelism === 0 ? wanted : Parallelism
  if (serving === 0 || Order === 'start-first' || serving > atOnce) return []
  return [
    {
      id: `last_good_task:${Spec.Name}`,
      serious: false,
      title: `The rollback of ${Spec.Name} may stop the last task that still serves`,
      detail: `${serving} of ${wanted} tasks still run the version before, and the swarm stops ${atOnce} before it starts new ones (moby issue 37972). Set the update order to start-first to avoid it.`
    }
  ]
}
