import { createHash } from 'node:crypto'
import type { LeaseRecord } from '../../../model/lease.ts'
import type { Observation } from '../../../model/observation.ts'
import { TargetError } from '../../../support/errors.ts'
import { leaseLost } from '../../lease-errors.ts'
import type { HeldLease, TargetLease } from '../../target.ts'
import type { DockerContext } from '../context.ts'
import { isStatus, orNull } from '../engine/engine.ts'
import { engineTime, type LeaseOnEngine, type LeaseStore, leaseRecordIn, takeLease } from '../lease.ts'
import { leaseLabel } from '../objects/names.ts'
import { fileIn, tarOf } from '../objects/tar.ts'
import { askBefore } from './check/answers-before.ts'
import { configuredRepository, findWorkload, type Workload } from './observe/workload.ts'

const expiryFile = 'popkit-lease-expires'
const provenFile = 'popkit-lease-proven'
/** A lease whose expiry was never written down is as old as its container; it may live this long. */
const unwrittenTtlMs = 60_000

/**
 * A lease is a container that is never started: its name, made from what is rolled back, can exist once on an engine, so every
 * machine that works on that engine meets it. A label carries the record, small files in it the time it expires, by the engine's
 * own clock, and that it is proven. `docker container prune` takes such a container along; its holder takes the lease again when it
 * next writes into it.
 */
export function createLease(docker: DockerContext): TargetLease {
  const { engine } = docker

  const put = (id: string, file: string, text: string, signal: AbortSignal): Promise<void> =>
    engine.containers.writeArchive(id, '/', tarOf(file, text), signal)

  /** Gives the time at which the lease expires now. */
  const extend = async (id: string, ttlMs: number, signal: AbortSignal): Promise<number> => {
    const expires = (await engineTime(docker, signal)) + ttlMs
    await put(id, expiryFile, new Date(expires).toISOString(), signal)
    return expires
  }

  const create = async (
    name: string,
    record: LeaseRecord,
    workload: Workload,
    signal: AbortSignal
  ): Promise<string> => {
    const body = {
      Image: anyImage(workload),
      Cmd: ['lease'],
      Entrypoint: [''],
      NetworkDisabled: true,
      Labels: { [leaseLabel]: JSON.stringify(record) }
    }
    return engine.containers.create(name, body, signal)
  }

  const take = async (
    name: string,
    taken: LeaseRecord,
    ttlMs: number,
    workload: Workload,
    signal: AbortSignal
  ): Promise<HeldLease> => {
    let record = taken
    let id = await create(name, record, workload, signal)
    let expires = await extend(id, ttlMs, signal)
    /** A lease of ours that was pruned before it expired is taken once more, unless another rollback took it. */
    const orTakeAgain = async (writing: Promise<void>, using: AbortSignal): Promise<void> => {
      if (await orNull(writing.then(() => true))) return
      if ((await engineTime(docker, using)) >= expires) throw lost()
      id = await create(name, record, await findWorkload(docker, using), using).catch((error: unknown) => {
        throw isStatus(error, 409) ? lost() : error
      })
      expires = await extend(id, ttlMs, using)
    }
    const renew = async (renewing: AbortSignal): Promise<void> => {
      expires = await extend(id, ttlMs, renewing)
    }
    const mark = (marking: AbortSignal): Promise<void> => {
      record = { ...record, proven: true }
      return put(id, provenFile, 'yes', marking)
    }
    return {
      renew: (renewing) => orTakeAgain(renew(renewing), renewing),
      markProven: (marking) => orTakeAgain(mark(marking), marking),
      release: (releasing) => dropLease(docker, id, releasing)
    }
  }

  return {
    async acquire(record, ttlMs, signal) {
      const workload = await findWorkload(docker, signal)
      askBefore(docker, workload.containers, signal)
      const name = leaseName(docker, workload.project ?? null)
      const store: LeaseStore<HeldLease> = {
        find: (finding) => holderOf(docker, name, finding),
        create: (taken, creating) => take(name, taken, ttlMs, workload, creating),
        remove: (id, removing) => dropLease(docker, id, removing)
      }
      return takeLease(store, record, signal)
    }
  }
}

const lost = (): TargetError => leaseLost('engine', 'its container was removed from outside')

/** The lease on the target, if there is one. */
export async function readLease(
  docker: DockerContext,
  project: string | null,
  signal: AbortSignal
): Promise<Observation['lease'] | null> {
  const held = await holderOf(docker, leaseName(docker, project), signal)
  return held ? { record: held.record, expired: held.expired } : null
}

async function holderOf(docker: DockerContext, name: string, signal: AbortSignal): Promise<LeaseOnEngine | null> {
  const container = await docker.engine.containers.inspect(name, signal)
  const label = container?.Config.Labels?.[leaseLabel]
  if (!container || label === undefined) return null
  const read = async (file: string) => {
    const archive = await orNull(docker.engine.containers.readArchive(container.Id, `/${file}`, signal))
    return archive && fileIn(archive)
  }
  const [now, written, proven] = await Promise.all([engineTime(docker, signal), read(expiryFile), read(provenFile)])
  const expiry = Date.parse(written ?? '') || Date.parse(container.Created) + unwrittenTtlMs
  const record = { ...leaseRecordIn(label), ...(proven && { proven: true }) }
  return { id: container.Id, record, expired: now >= expiry }
}

/** The same on every machine: from the image or the containers that the configuration names, and the Compose project that is meant. */
function leaseName({ config }: DockerContext, project: string | null): string {
  const repository = configuredRepository(config) ?? ''
  const identity = JSON.stringify([
    repository,
    ...[config.containers, config.services].map((names) => [...(names ?? [])].sort()),
    project,
    config.service
  ])
  const readable = (repository.split('/').at(-1) ?? '').replace(/[^a-zA-Z0-9_.-]/g, '-').slice(0, 40)
  return `popkit-lease-${readable}${readable ? '-' : ''}${createHash('sha256').update(identity).digest('hex').slice(0, 12)}`
}

async function dropLease(docker: DockerContext, id: string, signal: AbortSignal): Promise<void> {
  try {
    await docker.engine.containers.remove(id, { ownVolumes: true, force: true }, signal)
  } catch (error) {
    if (!isStatus(error, 404, 409)) throw error
  }
}

/** A container needs some image, though it never runs: the target's own where there is one. */
function anyImage({ all, everyImage: images }: Workload): string {
  const known = new Set(images.map((image) => image.Id))
  const id = all.map((container) => container.ImageID).find((image) => known.has(image)) ?? images[0]?.Id
  if (id) return id
  throw new TargetError({
    what: 'The lease of the rollback cannot be created',
    why: 'the engine has no image, and the lease is a container',
    next: 'Pull the image to go back to, then assess again.',
    code: 'no_image'
  })
}
