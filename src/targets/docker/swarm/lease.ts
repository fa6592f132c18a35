import type { z } from 'zod'
import { leaseRecordSchema } from '../../../model/lease.ts'
import type { Observation } from '../../../model/observation.ts'
import { TargetError } from '../../../support/errors.ts'
import { mayTakeLease } from '../../may-take-lease.ts'
import type { HeldLease, TargetLease } from '../../target.ts'
import { engineTime } from '../containers/lease.ts'
import type { DockerContext } from '../context.ts'
import { isStatus, orNull } from '../engine/engine.ts'
import { leaseLabel } from '../objects/names.ts'
import type { Service, SwarmConfig } from '../objects/swarm-schemas.ts'
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
    async acquire(record, ttlMs, signal): Promise<HeldLease> {
      const name = leaseName(await findServices(docker, signal))
      for (let attempt = 0; attempt < 3; attempt++) {
        const held = await engine.configs.inspect(name, signal)
        const expired = held !== null && (await isExpired(docker, held, signal))
        if (held && !mayTakeLease({ record: recordOf(held), expired }, record)) throw locked(held)
        if (held) await drop(docker, held.ID, signal)
        try {
          const Labels = {
            [leaseLabel]: record.rollbackId,
            [expiryLabel]: await expiry(docker, ttlMs, signal),
            ...(record.proven && { [provenLabel]: 'yes' })
          }
          const Data = Buffer.from(JSON.stringify(record)).toString('base64')
          const id = await engine.configs.create({ Name: name, Data, Labels }, signal)
          return {
            renew: async (renewing) =>
              relabel(docker, id, { [expiryLabel]: await expiry(docker, ttlMs, renewing) }, renewing),
            markProven: (marking) => relabel(docker, id, { [provenLabel]: 'yes' }, marking),
            release: (releasing) => drop(docker, id, releasing)
          }
        } catch (error) {
          if (!isStatus(error, 409)) throw error
        }
      }
      throw locked(await engine.configs.inspect(name, signal))
    }
  }
}

/** The lease on the services, if there is one. */
export async function readServiceLease(
  docker: DockerContext,
  services: readonly Service[],
  signal: AbortSignal
): Promise<Observation['lease'] | null> {
  const held = await docker.engine.configs.inspect(leaseName(services), signal)
  return held ? { record: recordOf(held), expired: await isExpired(docker, held, signal) } : null
}

const leaseName = (services: readonly Service[]): string =>
  `popkit-lease-${services.map(({ ID }) => ID.slice(0, 12)).join('-')}`.slice(0, 64)

/** By the clock of the manager that is asked, for those of the machines that work on the swarm may differ. */
const expiry = async (docker: DockerContext, ttlMs: number, signal: AbortSignal): Promise<string> =>
  new Date((await engineTime(docker, signal)) + ttlMs).toISOString()

const isExpired = async (docker: DockerContext, { Spec }: SwarmConfig, signal: AbortSignal): Promise<boolean> =>
  (Spec.Labels?.[expiryLabel] ?? '') <= new Date(await engineTime(docker, signal)).toISOString()

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
  if (!updated)
    throw new TargetError({
      what: 'The lease on the swarm is lost',
      why: 'its config was removed by somebody else',
      state: 'The rollback stopped at a safe point.',
      next: 'Assess again: it names what was begun.',
      code: 'lease_lost'
    })
}

async function drop({ engine }: DockerContext, id: string, signal: AbortSignal): Promise<void> {
  await orNull(engine.configs.remove(id, signal))
}

function recordOf({ Spec }: SwarmConfig): z.infer<typeof leaseRecordSchema> {
  try {
    const record = leaseRecordSchema.parse(JSON.parse(Buffer.from(Spec.Data ?? '', 'base64').toString('utf8')))
    return { ...record, ...(Spec.Labels?.[provenLabel] && { proven: true }) }
  } catch {
    const holder = { host: 'unknown', pid: 0, user: 'unknown' }
    return { rollbackId: 'unknown', holder, startedAt: new Date(0).toISOString(), begun: {} }
  }
}

function locked(held: SwarmConfig | null): TargetError {
  const record = held && recordOf(held)
  return new TargetError({
    what: 'Another rollback of this target is under way',
    why: record
      ? `${record.rollbackId} by ${record.holder.user} on ${record.holder.host} since ${record.startedAt}`
      : 'somebody else took the lease at the same moment',
    next: 'Wait for it to end, or for its lease to expire, and assess again.',
    code: 'locked',
    retryable: true
  })
}
