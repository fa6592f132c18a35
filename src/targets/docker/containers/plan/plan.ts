import type { DeploymentRecord } from '../../../../model/deployment-record.ts'
import type { Blocker, Observation, Risk } from '../../../../model/observation.ts'
import type { PlanDraft } from '../../../../model/plan.ts'
import type { Release } from '../../../../model/release.ts'
import type { Step } from '../../../../model/step.ts'
import { fingerprint } from '../../../../support/canonical.ts'
import type { Move } from '../../../target.ts'
import { type Owned, servicesOf } from '../../compose/labels.ts'
import { changeRisks, checkComposeFiles, neededChanges, wantedOf } from '../../compose/reminder.ts'
import { composeUp, whyNotRevived } from '../../compose/revive.ts'
import { whileBothExist } from '../../compose/two-of-one.ts'
import { asGoal, towards } from '../../configuration/goal.ts'
import { type ConfigurationPlan, planConfiguration } from '../../configuration/plan.ts'
import type { DockerContext } from '../../context.ts'
import { baseName } from '../../objects/names.ts'
import type { Container } from '../../objects/schemas.ts'
import { proxyRisks } from '../check/proxies.ts'
import { servesNothing } from '../observe/current-health.ts'
import { type ContainersState, defaultsOf } from '../observe/observe.ts'
import { mergedConfig, userConfigOf } from '../recreate/configuration.ts'
import { dependentSteps, findDependents } from '../steps/dependents.ts'
import { pullImage } from '../steps/pull.ts'
import { type CandidateImage, findCandidate, localImage } from './candidate-image.ts'
import { kamalBlockers } from './kamal.ts'
import { migratedVolumeRisks } from './migrated-volumes.ts'
import { missingSourceBlockers } from './mount-sources.ts'
import { ownFilesOf } from './own-files.ts'
import { planSteps } from './plan-steps.ts'
import {
  configurationRisks,
  dependentRisks,
  hasRoomForMark,
  nameBlockers,
  portBlockers,
  portNotes,
  rehearsalBlockers,
  sharedNamespaceBlockers,
  volumeNotes,
  volumeRisks
} from './preconditions.ts'
import { whyNotBeside } from './side-by-side.ts'
import { stopTimes } from './stop-times.ts'

/** The steps from what serves to a release, with every precondition checked. */
export async function plan(
  docker: DockerContext,
  observation: Observation,
  state: ContainersState,
  release: Release,
  history: readonly DeploymentRecord[],
  signal: AbortSignal
): Promise<PlanDraft> {
  const { containers, containerImages: images, all } = state
  const up = containers.filter(({ State }) => State.Running && !State.Restarting)
  const running = up.flatMap(({ Image: id }) => images.get(id) ?? [])
  const image = await localImage(docker, release, signal)
  const defaults = defaultsOf(images)
  const configuration = await planConfiguration(docker, { state, release, image, defaults }, signal)
  const plans = containers.filter(isToReplace(image, configuration)).map((container) => {
    const restored = configuration.restored.get(container.Id)
    const user = towards(userConfigOf(container, defaults.get(container.Image)), restored?.goal ?? null)
    const future = image ? mergedConfig(user, image.Config) : container.Config
    const isDown = servesNothing(container, docker.clock)
    return {
      container,
      configuration: restored && restored.back.length > 0 ? restored.reference : null,
      whyNotBeside: whyNotBeside(container, future.Healthcheck),
      isDown,
      isJob: state.isJob(container)
    }
  })
  const replaced = plans.map(({ container }) => container)
  const [candidate, own, { dependents, notes: unknown }, missingSources] = await Promise.all([
    findCandidate(docker, release, history, signal, running, image),
    ownFilesOf(docker, replaced, signal),
    findDependents(docker, replaced, all, signal),
    missingSourceBlockers(docker, replaced, signal)
  ])
  const move = { from: observation.current, to: release }
  const revival = await revivalOf(docker, state, move, candidate, signal)
  const files = [...servicesOf(containers), ...revival.files]
  const wanted = wantedOf(candidate)
  const changes = await neededChanges(docker, files, wanted)
  const blockers: Blocker[] = [
    ...revival.blockers,
    ...configuration.blockers,
    ...candidate.blockers,
    ...nameBlockers(replaced),
    ...portBlockers(containers, all),
    ...missingSources,
    ...sharedNamespaceBlockers(replaced),
    ...kamalBlockers(replaced, release.version),
    ...(docker.config.rehearse ? rehearsalBlockers(containers) : [])
  ]
  const risks: Risk[] = [
    ...candidate.risks,
    ...(candidate.image || !candidate.loginRisk ? [] : [candidate.loginRisk]),
    ...own.risks,
    ...dependentRisks(dependents),
    ...proxyRisks(replaced, all),
    ...volumeRisks(containers, all),
    ...migratedVolumeRisks(containers, observation.current, release),
    ...configuration.risks,
    ...configurationRisks(
      containers.map((one) => asGoal(one, defaults.get(one.Image), configuration.restored.get(one.Id)?.goal ?? null)),
      defaults,
      release,
      history
    ),
    ...changeRisks(changes, release.version)
  ]
  const notes = [
    ...candidate.notes,
    ...plans.map(({ container, whyNotBeside: why }) => orderNote(container, why)),
    ...portNotes(containers),
    ...volumeNotes(containers),
    ...own.notes,
    ...whileBothExist(replaced),
    ...unknown,
    ...(containers.length > 0
      ? [
          docker.withConfig
            ? 'Mounts, ports, networks and rights are kept from the current containers.'
            : 'Environment and mounts are kept from the current containers; only the image goes back.'
        ]
      : []),
    ...configuration.notes,
    ...revival.notes,
    ...missingImageNotes(containers, images)
  ]
  const rolls = planSteps(
    docker,
    move,
    candidate,
    plans
      .filter(({ container }) => hasRoomForMark(container))
      .map((plan) => ({ ...plan, hasOwnFiles: own.keeping.has(plan.container.Id) }))
  )
  return {
    steps: [
      ...(candidate.image || (plans.length === 0 && revival.steps.length === 0)
        ? []
        : [pullImage.plan(docker, { image: candidate.exact }, move)]),
      ...withRevival(rolls, revival.steps),
      ...dependentSteps(docker, dependents, move),
      ...(files.length > 0 ? [checkComposeFiles.plan(docker, { version: release.version, wanted }, move)] : [])
    ],
    risks,
    blockers,
    fingerprint: fingerprint({ image: candidate.exact, platform: candidate.platform, copied: own.copied }),
    notes,
    ...gapOf(plans, release),
    stops: stopTimes(docker, rolls, replaced)
  }
}

interface Revival {
  steps: Step[]
  blockers: Blocker[]
  files: Owned[]
  notes: string[]
}

/** Compose creates services without a container before anything else changes: they serve nothing now. */
async function revivalOf(
  docker: DockerContext,
  { missing }: ContainersState,
  move: Move,
  candidate: CandidateImage,
  signal: AbortSignal
): Promise<Revival> {
  if (!missing) return { steps: [], blockers: [], files: [], notes: [] }
  const blocker = await whyNotRevived(docker, missing, signal)
  const { services, repository: _repository, ...location } = missing
  return {
    steps: [composeUp.plan(docker, { ...location, services, image: candidate.exact }, move)],
    blockers: blocker ? [blocker] : [],
    files: services.map((service) => ({ ...location, service })),
    notes: [
      `Environment and mounts of ${services.join(', ')} are taken from the Compose file as it is today.`,
      ...(docker.config.rehearse ? ['Services without a container are not rehearsed.'] : [])
    ]
  }
}

/** Preparations first, then what was down altogether, then the rest. */
const withRevival = (steps: readonly Step[], revival: readonly Step[]): Step[] => [
  ...steps.filter(({ phase }) => phase === 'prepare'),
  ...revival,
  ...steps.filter(({ phase }) => phase !== 'prepare')
]

/** A replica that runs the candidate already stays as it is. */
const isToReplace =
  (image: CandidateImage['image'], { restored }: ConfigurationPlan) =>
  (container: Container): boolean =>
    container.Image !== image?.Id || !container.State.Running || Boolean(restored.get(container.Id)?.back.length)

/** What users notice of the switch; nothing new where nothing serves. */
function gapOf(
  plans: readonly { container: Container; whyNotBeside: string | null; isDown: boolean; isJob: boolean }[],
  { version }: Release
): Pick<PlanDraft, 'gap'> {
  const serving = plans.filter(({ isDown, isJob }) => !isDown && !isJob)
  const stopping = serving
    .filter(({ whyNotBeside: why }) => why !== null)
    .map(({ container: { Name } }) => baseName(Name))
  if (serving.length === 0) return {}
  return {
    gap:
      stopping.length === 0
        ? `none: ${version} is healthy beside the old one before that stops`
        : `${listed(stopping)} ${stopping.length === 1 ? 'stops' : 'stop'} before ${version} starts`
  }
}

const listed = (names: readonly string[]): string =>
  names.length <= 3 ? names.join(' and ') : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`

const orderNote = (container: Container, whyNotBeside: string | null): string =>
  whyNotBeside
    ? `${baseName(container.Name)} stops before its replacement starts, because ${whyNotBeside}.`
    : `The replacement of ${baseName(container.Name)} becomes healthy beside it before it stops; while it stops, its aliases lead to both.`

const missingImageNotes = (containers: readonly Container[], images: ReadonlyMap<string, unknown>): string[] =>
  containers.some((container) => !images.has(container.Image))
    ? [
        'The image of the failed containers was removed from the engine, so its defaults cannot be told apart from your settings; all are kept.'
      ]
    : []
