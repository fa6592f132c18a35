import type { Observation } from '../../../model/observation.ts'
import { leaseLost } from '../../lease-errors.ts'
import type { HeldLease, TargetLease } from '../../target.ts'
import type { DockerContext } from '../context.ts'
import { orNull } from '../engine/engine.ts'
import { engineTime, type LeaseOnEngine, type LeaseStore, leaseRecordIn, takeLease } from '../lease.ts'
import { leaseLabel } from '../objects/names.ts'
import type { Service } from '../objects/swarm-schemas.ts'
import { findServices } from './find.ts'

const expiryLabel = 'popkit.rollback.expires'
const provenLabel = 'popkit.rollback.proven'

/**
 * A lease is a swarm config of a fixed name: it exists once in the whole swarm, every manager sees it, and its labels can be
 * written without touching the service, whose previous specification any update would overwrite.
 */
export function createServiceLease(docker: DockerContext): TargetLease {
  const { engine } = docker
  return {
    async acquire(record, ttlMs, signal) {
      const name = leaseName(await findServices(docker, signal))
      const store: LeaseStore<HeldLease> = {
        find: (finding) => findLease(docker, name, finding),
        remove: (id, removing) => drop(docker, id, removing),
        async create(taken, creating) {
          const Labels = {
            [leaseLabel]: taken.rollbackId,
            [expiryLabel]: await expiry(docker, ttlMs, creating),
            ...(taken.proven && { [provenLabel]: 'yes' })
          }
          const Data = Buffer.from(JSON.stringify(taken)).toString('base64')
          const id = await engine.configs.create({ Name: name, Data, Labels }, creating)
          return {
            renew: async (renewing) =>
              relabel(docker, id, { [expiryLabel]: await expiry(docker, ttlMs, renewing) }, renewing),
            markProven: (marking) => relabel(docker, id, { [provenLabel]: 'yes' }, marking),
            release: (releasing) => drop(docker, id, releasing)
          }
        }
      }
      return takeLease(store, record, signal)
    }
  }
}

/** The lease on the services, if there is one. */
export async function readServiceLease(
  docker: DockerContext,
  services: readonly Service[],
  signal: AbortSignal
): Promise<Observation['lease'] | null> {
  const held = await findLease(docker, leaseName(services), signal)
  return held && { record: held.record, expired: held.expired }
}

async function findLease(docker: DockerContext, name: string, signal: AbortSignal): Promise<LeaseOnEngine | null> {
  const config = await docker.engine.configs.inspect(name, signal)
  if (!config) return null
  const { Labels, Data = '' } = config.Spec
  const record = leaseRecordIn(Buffer.from(Data, 'base64').toString('utf8'))
  const now = new Date(await engineTime(docker, signal)).toISOString()
  return {
    id: config.ID,
    record: { ...record, ...(Labels?.[provenLabel] && { proven: true }) },
    expired: (Labels?.[expiryLabel] ?? '') <= now
  }
}

const leaseName = (services: readonly Service[]): string =>
  `popkit-lease-${services.map(({ ID }) => ID.slice(0, 12)).join('-')}`.slice(0, 64)

const expiry = async (docker: DockerContext, ttlMs: number, signal: AbortSignal): Promise<string> =>
  new Date((await engineTime(docker, signal)) + ttlMs).toISOString()

async function relabel(
  { engine }: DockerContext,
  id: string,
  labels: Record<string, string>,
  signal: AbortSignal
): Promise<void> {
  const config = await engine.configs.inspect(id, signal)
  const updated =
    config &&
    (await orNull(
      engine.configs
        .update(config, { ...config.Spec, Labels: { ...config.Spec.Labels, ...labels } }, signal)
        .then(() => true)
    ))
  if (!updated) throw leaseLost('swarm', 'its config was removed from outside')
}

async function drop({ engine }: DockerContext, id: string, signal: AbortSignal): Promise<void> {
  await orNull(engine.configs.remove(id, signal))
}
