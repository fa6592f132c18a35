import type { DeploymentRecord } from '../../../model/deployment-record.ts'
import type { Observation, Risk } from '../../../model/observation.ts'
import type { Release } from '../../../model/release.ts'
import { fingerprint } from '../../../support/canonical.ts'
import type { Observed } from '../../target.ts'
import { findReleases } from '../containers/observe/releases.ts'
import type { DockerContext } from '../context.ts'
import { knownAs } from '../objects/known-as.ts'
import { isGenericTag, parseReference, shortId } from '../objects/reference.ts'
import type { Service, Spec } from '../objects/swarm-schemas.ts'
import { digestIn, identitiesOf, labelled, tagOf } from '../objects/version.ts'
import { findServices } from './find.ts'
import { healthOf, type ObservedService, wantedTasks } from './health.ts'
import { hashOf, imageOf, referenceOf, tasksOf } from './inspect.ts'
import { readServiceLease } from './lease.ts'

/** What the swarm says of the services, now. */
export async function observeServices(
  docker: DockerContext,
  history: readonly DeploymentRecord[],
  signal: AbortSignal
): Promise<Observed<ServicesState>> {
  const services = await findServices(docker, signal)
  const observed = await observeTasks(docker, services, signal)
  const current = await currentRelease(docker, services, history, signal)
  const repository = services[0] ? (referenceOf(services[0].Spec)?.repository ?? null) : null
  const images = (await docker.engine.images.list(signal)).filter((image) =>
    [...(image.RepoTags ?? []), ...(image.RepoDigests ?? [])].some(
      (name) => repository !== null && parseReference(name)?.repository === repository
    )
  )
  const found = { repository, images, containers: [], retired: [] }
  const { releases, notes } = await findReleases(docker, found, history, current ? [current.id] : [], signal)
  const previous = await previousRelease(docker, services, history, signal)
  const lease = await readServiceLease(docker, services, signal)
  const observation: Observation = {
    current,
    health: healthOf(observed, docker.clock.now().getTime()),
    releases: withRelease(releases, previous)
      .filter(({ version }) => version !== current?.version)
      .map((release) => withPrevious(release, services)),
    risks: mixedRisks(services),
    blockers: [],
    fingerprint: fingerprint({
      services: services.map(({ ID, Spec, PreviousSpec }) => ({
        id: ID,
        name: Spec.Name,
        spec: hashOf(Spec),
        previous: PreviousSpec ? hashOf(PreviousSpec) : null
      }))
    }),
    ...(lease && { lease }),
    notes: [`The target is ${services.map(({ Spec }) => `the swarm service ${Spec.Name}`).join(' and ')}.`, ...notes]
  }
  return { observation, state: { kind: 'services', services: observed } }
}

/** What plans for services are made of. */
export interface ServicesState {
  kind: 'services'
  services: readonly ObservedService[]
}

/** Looks at each service's tasks. */
export function observeTasks(
  docker: DockerContext,
  services: readonly Service[],
  signal: AbortSignal
): Promise<ObservedService[]> {
  return Promise.all(
    services.map(async (service) => {
      const tasks = await tasksOf(docker.engine, service.ID, signal)
      return { service, tasks, wanted: wantedTasks(service, tasks) }
    })
  )
}

async function currentRelease(
  docker: DockerContext,
  services: readonly Service[],
  history: readonly DeploymentRecord[],
  signal: AbortSignal
): Promise<Release | null> {
  const service = services[0]
  if (!service) return null
  const { version, id, identities } = await nameOf(docker, service.Spec, history, signal)
  return { version, id, createdAt: service.UpdatedAt, available: { state: 'yes' }, details: { identities } }
}

/** What a specification runs, in the words of releases. */
async function nameOf(docker: DockerContext, spec: Spec, history: readonly DeploymentRecord[], signal: AbortSignal) {
  const reference = referenceOf(spec)
  const image = await docker.engine.images.inspect(imageOf(spec), signal)
  const digest = reference?.digest ?? (image ? digestIn(image, reference?.repository ?? null) : undefined)
  const id = digest ?? image?.Id ?? `tag:${imageOf(spec)}`
  const tag = reference?.tag && !isGenericTag(reference.tag) ? reference.tag : undefined
  const recorded = history.find((record) => record.digest === id)?.version
  const labels = image?.Config?.Labels
  const name = tag ?? recorded ?? tagOf(image, reference?.repository ?? null) ?? labelled(labels)
  const version = name === undefined ? shortId(id) : knownAs(name, labels, history)
  return { version, id, image, reference, digest, tag, identities: [id, ...(image ? identitiesOf(image) : [])] }
}

/** The release of the services' previous specification, which needs neither history nor a registry that answers; null without one. */
async function previousRelease(
  docker: DockerContext,
  services: readonly Service[],
  history: readonly DeploymentRecord[],
  signal: AbortSignal
): Promise<Release | null> {
  const spec = services[0]?.PreviousSpec
  if (!spec) return null
  const { version, id, image, reference, digest, tag, identities } = await nameOf(docker, spec, history, signal)
  if (!reference || !(digest ?? image)) return null
  return {
    version,
    id,
    available: image
      ? { state: 'yes', reason: 'the image is on the engine' }
      : { state: 'unknown', reason: 'this node does not have the image, others may' },
    details: {
      reference: digest ? `${reference.repository}@${digest}` : (image?.Id ?? id),
      shown: tag ? `${reference.repository}:${tag}` : null,
      local: image !== null,
      identities
    }
  }
}

/** Adds a release in the place of those of its version or image that cannot be had, or have no name. */
function withRelease(releases: readonly Release[], added: Release | null): Release[] {
  if (!added) return [...releases]
  const isHad = ({ available }: Release): boolean => available.state === 'yes'
  const same = releases.filter(({ version, id }) => version === added.version || id === added.id)
  const isThere = same.some((release) => isHad(release) && (release.version === added.version || !isHad(added)))
  return isThere ? [...releases] : [...releases.filter((release) => !same.includes(release)), added]
}

/** The release that the swarm itself still remembers. */
function withPrevious(release: Release, services: readonly Service[]): Release {
  const previous = services.every(({ PreviousSpec }) => PreviousSpec && isRelease(PreviousSpec, release))
  return previous
    ? { ...release, notes: [...(release.notes ?? []), 'the previous specification of the service has it'] }
    : release
}

/** Whether a specification runs a release: the same digest, or, where it has none, the same tag. */
export function isRelease(spec: Spec, { version, id, details }: Release): boolean {
  const reference = referenceOf(spec)
  const identities = [id, ...(Array.isArray(details?.identities) ? details.identities : [])]
  return reference?.digest ? identities.includes(reference.digest) : reference?.tag === version
}

const mixedRisks = (services: readonly Service[]): Risk[] => {
  const images = [...new Set(services.map(({ Spec }) => imageOf(Spec)))]
  if (images.length < 2) return []
  return [
    {
      id: 'services_differ',
      serious: true,
      title: 'The services of the target do not run the same image',
      detail: `${services.map(({ Spec }) => `${Spec.Name}: ${imageOf(Spec)}`).join(', ')}. All of them go to the same version.`
    }
  ]
}
