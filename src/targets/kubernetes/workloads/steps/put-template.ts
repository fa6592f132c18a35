import { z } from 'zod'
import { TargetError } from '../../../../support/errors.ts'
import type { Run } from '../../../target.ts'
import { isMadeOf } from '../../argo/state.ts'
import { isStatus, passes } from '../../client/failure.ts'
import type { KubernetesContext } from '../../context.ts'
import { addressText, known, marks, pathOf, revisionsOf } from '../../objects/names.ts'
import {
  controllerRevisionSchema,
  replicaSetSchema,
  type WorkloadObject,
  workloadSchema
} from '../../objects/objects.ts'
import { patchFor, type Replacement } from '../../objects/patch.ts'
import { type Revision, revisionOfController, revisionOfReplicaSet } from '../../objects/revision.ts'
import { templateHash } from '../../objects/template.ts'
import type { Move } from '../../step-params.ts'
import { readWorkload } from '../read.ts'
import { annotateRevision, revisionPath } from './annotate-revision.ts'

export type Direction = 'back' | 'forth'

const attempts = 20

/**
 * Puts the template of a revision in place, once; gives whether anything had to be done.
 * @throws TargetError `changed_meanwhile` when neither the observation nor the wanted template is there.
 */
export async function putTemplate(
  cluster: KubernetesContext,
  move: Move,
  direction: Direction,
  { signal, rollbackId }: Pick<Run, 'signal' | 'rollbackId'>
): Promise<boolean> {
  const [present, wanted] = direction === 'back' ? [move.from, move.to] : [move.to, move.from]
  for (let attempt = 1; ; attempt++) {
    const live = await readWorkload(cluster, move, signal)
    if (live.metadata.uid !== move.uid) throw changed(move, 'it was deleted and made anew')
    if (stands(live, wanted)) return false
    if (!stands(live, present)) throw changed(move, 'somebody else has changed its pod template')
    try {
      const [revision] = await Promise.all([
        readRevision(cluster, move, wanted, signal),
        direction === 'back' && keepLastApplied(cluster, move, live, rollbackId, signal)
      ])
      const kept = direction === 'forth' && revision.lastApplied?.rollback_id === rollbackId
      const lastApplied = kept ? revision.lastApplied?.configuration : undefined
      await sendPatch(cluster, move, live, { ...revision, lastApplied }, direction, { signal })
      if (kept) await annotateRevision(cluster, move, { [marks.lastApplied]: null }, signal).catch(unlessForbidden)
      return true
    } catch (error) {
      // The patch holds for one generation only: what was changed in between, scaling say, is looked at again.
      const again =
        isStatus(error, 409) || passes(error) || (isStatus(error, 422) && (await isNewer(cluster, move, live, signal)))
      if (!again || attempt === attempts) throw error
      await cluster.clock.sleep(Math.min(50 * 2 ** attempt, 2000), signal)
    }
  }
}

/** A revision may lack defaults that the workload's template has, or the other way round, so one version may have two hashes. */
function stands(live: WorkloadObject, { revision, hash, own }: Move['from']): boolean {
  const present = templateHash(live.spec.template)
  return present === hash || present === own || isMadeOf(live, revision)
}

interface Sending {
  signal: AbortSignal
  dryRun?: boolean
}

/** Sends the patch, for good or as a dry run that meets every admission rule; gives the object as the cluster keeps it then. */
export async function sendPatch(
  { api }: KubernetesContext,
  move: Move,
  live: WorkloadObject,
  { template, changeCause, lastApplied }: Pick<Replacement, 'template' | 'changeCause' | 'lastApplied'>,
  direction: Direction,
  { signal, dryRun = false }: Sending
): Promise<WorkloadObject> {
  const paused = move.paused ? { paused: direction === 'forth' } : {}
  return api.send(
    {
      doing: `Changing ${addressText(move)}`,
      method: 'PATCH',
      path: pathOf(move),
      query: { fieldManager: 'pop-deploy-rollback', ...(dryRun && { dryRun: 'All' }) },
      contentType: 'application/json-patch+json',
      body: patchFor(live, { template, changeCause, lastApplied, ...paused }),
      signal
    },
    workloadSchema
  )
}

async function readRevision(
  { api, config }: KubernetesContext,
  move: Move,
  { revision: name, hash, own }: Move['from'],
  signal: AbortSignal
): Promise<Revision> {
  const plural = revisionsOf(move.kind)
  const request = { doing: `Reading revision ${name}`, path: revisionPath(move, name), signal }
  const found: Revision | null = !name
    ? null
    : plural === 'replicasets'
      ? await api.find(
          request,
          replicaSetSchema.transform((set) => revisionOfReplicaSet(set, config.container))
        )
      : await api.find(
          request,
          controllerRevisionSchema.transform((one) => revisionOfController(one, config.container))
        )
  if (found?.hash === (own ?? hash)) return found
  throw new TargetError({
    what: `${addressText(move)} cannot be given ${name ? `the template of ${name}` : 'its former template'}`,
    why: found
      ? 'that revision is no longer what it was'
      : name
        ? 'the cluster no longer keeps that revision'
        : 'that template never had a revision',
    next: name ? 'Assess again: it shows the revisions that are still kept.' : 'Apply its manifest again.',
    code: 'revision_gone'
  })
}

/** Keeps what was last applied on the revision that it was applied with, so that undoing brings back exactly that. */
async function keepLastApplied(
  cluster: KubernetesContext,
  move: Move,
  { metadata }: WorkloadObject,
  rollbackId: string,
  signal: AbortSignal
): Promise<void> {
  const configuration = metadata.annotations?.[known.lastApplied]
  if (!configuration || !move.from.revision) return
  const kept = JSON.stringify({ rollback_id: rollbackId, configuration })
  await annotateRevision(cluster, move, { [marks.lastApplied]: kept }, signal).catch(unlessForbidden)
}

/** Without that right, or where it is too long, undoing writes the former template into what is there. */
const unlessForbidden = (error: unknown): void => {
  if (!isStatus(error, 403, 413, 422)) throw error
}

const isNewer = async (
  cluster: KubernetesContext,
  move: Move,
  live: WorkloadObject,
  signal: AbortSignal
): Promise<boolean> => (await readWorkload(cluster, move, signal)).metadata.generation !== live.metadata.generation

export const changed = (move: Pick<Move, 'kind' | 'namespace' | 'name'>, why: string): TargetError =>
  new TargetError({
    what: `${addressText(move)} was not touched`,
    why: `${why} since the plan was made`,
    state: 'Their change was left as it is.',
    next: 'Assess again, and decide by what serves now.',
    code: 'changed_meanwhile'
  })

export const ignored = z.unknown()
