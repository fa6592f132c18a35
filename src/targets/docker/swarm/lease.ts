import { z } from 'zod'
import { leaseRecordSchema } from '../../../model/lease.ts'
import type { Observation } from '../../../model/observation.ts'
import { TargetError } from '../../../support/errors.ts'
import { mayTakeLease } from '../../may-take-lease.ts'
import type { HeldLease, TargetLease } from '../../target.ts'
import { engineTime } from '../containers/lease.ts'
import type { DockerContext } from '../context.ts'
import { isStatus } from '../engine/client.ts'
import { leaseLabel } from '../objects/names.ts'
import { findServices } from './find.ts'
import type { Service } from './inspect.ts'

const expiryLabel = 'popkit.rollback.expires'
const provenLabel = 'popkit.rollback.proven'
const configSchema = z.looseObject({
  ID: z.string(),
  Version: z.looseObject({ Index: z.number() }),
  Spec: z.looseObject({
    Name: z.string(),
    Labels: z.record(z.string(), z.string()).nullish(),
    Data: z.string().optional()
  })
})
type SwarmConfig = z.infer<typeof configSchema>

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
        const held = await readConfig(docker, name, signal)
        const expired = held !== null && (await isExpired(docker, held, signal))
        if (held && !mayTakeLease({ record: recordOf(held), expired }, record)) throw locked(held)
        if (held) await drop(docker, held.ID, signal)
        try {
          const { ID } = await engine.call('POST', '/configs/create', z.looseObject({ ID: z.string() }), {
            body: {
              Name: name,
              Data: Buffer.from(JSON.stringify(record)).toString('base64'),
              Labels: {
                [leaseLabel]: record.rollbackId,
                [expiryLabel]: await expiry(docker, ttlMs, signal),
                ...(record.proven && { [provenLabel]: 'yes' })
              }
            },
            signal
          })
          return {
            renew: async (renewing) =>
              relabel(docker, ID, { [expiryLabel]: await expiry(docker, ttlMs, renewing) }, renewing),
            markProven: (marking) => relabel(docker, ID, { [provenLabel]: 'yes' }, marking),
            release: (releasing) => drop(docker, ID, releasing)
          }
        } catch (error) {
          if (!isStatus(error, 409)) throw error
        }
      }
      throw locked(await readConfig(docker, name, signal))
    }
  }
}

/** The lease on the services, if there is one. */
export async function readServiceLease(
  docker: DockerContext,
  services: readonly Service[],
  signal: AbortSignal
): Promise<Observation['lease'] | null> {
  const held = await readConfig(docker, leaseName(services), signal)
  return held ? { record: recordOf(held), expired: await isExpired(docker, held, signal) } : null
}

const leaseName = (services: readonly Service[]): string =>
  `popkit-lease-${services.map(({ ID }) => ID.slice(0, 12)).join('-')}`.slice(0, 64)

/** By the clock of the manager that is asked, for those of the machines that work on the swarm may differ. */
const expiry = async (docker: DockerContext, ttlMs: number, signal: AbortSignal): Promise<string> =>
  new Date((await engineTime(docker, signal)) + ttlMs).toISOString()

const isExpired = async (docker: DockerContext, { Spec }: SwarmConfig, signal: AbortSignal): Promise<boolean> =>
  (Spec.Labels?.[expiryLabel] ?? '') <= new Date(await engineTime(docker, signal)).toISOString()

async function readConfig({ engine }: DockerContext, name: string, signal: AbortSignal): Promise<SwarmConfig | null> {
  try {
    return await engine.call('GET', `/configs/${name}`, configSchema, { signal })
  } catch (error) {
    if (isStatus(error, 404, 503)) return null
    throw error
  }
}

async function relabel(
  { engine }: DockerContext,
  id: string,
  labels: Record<string, string>,
  signal: AbortSignal
): Promise<void> {
  try {
    const { Version, Spec } = await engine.call('GET', `/configs/${id}`, configSchema, { signal })
    const body = { ...Spec, Labels: { ...Spec.Labels, ...labels } }
    await engine.act('POST', `/configs/${id}/update`, { query: { version: Version.Index }, body, signal })
  } catch (error) {
    if (!isStatus(error, 404)) throw error
    throw new TargetError({
      what: 'The lease on the swarm is lost',
      why: 'its config was removed by somebody else',
      state: 'The rollback stopped at a safe point.',
      next: 'Assess again: it names what was begun.',
      code: 'lease_lost'
    })
  }
}

async function drop({ engine }: DockerContext, id: string, signal: AbortSignal): Promise<void> {
  try {
    await engine.act('DELETE', `/configs/${id}`, { signal })
  } catch (error) {
    if (!isStatus(error, 404)) throw error
  }
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
