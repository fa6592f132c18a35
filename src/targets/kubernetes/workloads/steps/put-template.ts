import { canonicalize } from 'json-canonicalize'
import { z } from 'zod'
import { TargetError } from '../../../../support/errors.ts'
import { tryOutsideJson } from '../../../../support/nesting.ts'
import type { Run } from '../../../target.ts'
import { isMadeOf } from '../../argo/state.ts'
import { isStatus, orOn, passes } from '../../client/failure.ts'
import type { KubernetesContext } from '../../context.ts'
import { fieldManager } from '../../objects/field-owners.ts'
import type { Move, Side } from '../../objects/move.ts'
import { addressText, known, marks, pathOf, revisionsOf } from '../../objects/names.ts'
import {
  controllerRevisionSchema,
  isOwn,
  type MetaOnly,
  replicaSetSchema,
  type WorkloadObject,
  workloadSchema
} from '../../objects/objects.ts'
import { patchFor, type Replacement } from '../../objects/patch.ts'
import { pinned } from '../../objects/pins.ts'
import { type Revision, revisionOfController, revisionOfReplicaSet } from '../../objects/revision.ts'
import { covers, templateHash } from '../../objects/template.ts'
import { readWorkload } from '../read.ts'
import { adoptFields } from './adopt-fields.ts'
import { annotateRevision, revisionPath } from './annotate-revision.ts'

const attempts = 20

/** What a template was put into. */
interface Put {
  /** Whether anything had to be done. */
  changed: boolean
  /** The workload with the template, as the server last returned it. */
  object: WorkloadObject
}

/**
 * Puts the template of one side of a move in place, once.
 * @throws TargetError `changed_meanwhile` when the live template is neither that of `from` nor that of `to`.
 */
export async function putTemplate(
  cluster: KubernetesContext,
  move: Move,
  goal: Side,
  { signal, rollbackId }: Pick<Run, 'signal' | 'rollbackId'>
): Promise<Put> {
  const wanted = move[goal]
  for (let attempt = 1; ; attempt++) {
    const live = await readWorkload(cluster, move, signal)
    if (live.metadata.uid !== move.uid) throw changedMeanwhile(move, 'it was deleted and created again')
    if (isLive(live, wanted)) {
      await adoptFields(cluster, move, live, signal)
      return { changed: false, object: live }
    }
    if (!isLive(live, move[goal === 'to' ? 'from' : 'to'])) throw templateChanged(move)
    try {
      const [revision] = await Promise.all([
        readRevision(cluster, move, wanted, signal),
        goal === 'to' && keepLastApplied(cluster, move, live, rollbackId, signal)
      ])
      const kept = goal === 'from' && revision.lastApplied?.rollback_id === rollbackId
      const lastApplied = kept ? keptConfiguration(revision, live) : undefined
      const put = await sendPatch(cluster, move, live, { ...revision, lastApplied }, goal, { signal })
      await adoptFields(cluster, move, put, signal)
      if (kept) await annotateRevision(cluster, move, { [marks.lastApplied]: null }, signal).catch(unlessRefused)
      return { changed: true, object: put }
    } catch (error) {
      // The patch requires one generation: what changed in between, scaling for example, is read again.
      const retries =
        isStatus(error, 409) || passes(error) || (isStatus(error, 422) && (await isNewer(cluster, move, live, signal)))
      if (!retries || attempt === attempts) throw error
      await cluster.clock.sleep(Math.min(50 * 2 ** attempt, 2000), signal)
    }
  }
}

/** A revision may lack defaults that the workload's template has, or the other way round, so one version may have two hashes. */
export function isLive(live: WorkloadObject, { revision, hash, own, pins }: Move['from']): boolean {
  const present = templateHash(live.spec.template)
  return present === hash || (present === own && !pins) || isMadeOf(live, revision)
}

/** Sends the patch, or tries it as a dry run, which meets every admission rule; returns the object as the cluster keeps it then. */
export const sendPatch = (
  { api }: KubernetesContext,
  move: Move,
  live: WorkloadObject,
  { template, changeCause, lastApplied }: Pick<Replacement, 'template' | 'changeCause' | 'lastApplied'>,
  goal: Side,
  { signal, dryRun = false }: { signal: AbortSignal; dryRun?: boolean }
): Promise<WorkloadObject> =>
  api.send(
    {
      doing: `Changing ${addressText(move)}`,
      method: 'PATCH',
      path: pathOf(move),
      query: { fieldManager, ...(dryRun && { dryRun: 'All' }) },
      contentType: 'application/json-patch+json',
      body: patchFor(live, { template, changeCause, lastApplied, ...(move.paused && { paused: goal === 'from' }) }),
      signal
    },
    workloadSchema
  )

/** The revision object of one side of a move, with the template that was observed. */
export async function readRevision(
  { api, config }: KubernetesContext,
  move: Move,
  { revision: name, hash, own, pins }: Move['from'],
  signal: AbortSignal
): Promise<Revision> {
  const request = { doing: `Reading revision ${name}`, path: revisionPath(move, name), signal }
  // An object of another workload counts as gone: whoever may write it must not decide what serves here.
  const mine = (found: MetaOnly, revision: Revision): Revision | null => (isOwn(found, move) ? revision : null)
  const schema =
    revisionsOf(move.kind) === 'replicasets'
      ? replicaSetSchema.transform((set) => mine(set, revisionOfReplicaSet(set, config.container)))
      : controllerRevisionSchema.transform((one) => mine(one, revisionOfController(one, config.container)))
  const found = name ? await api.find<Revision | null>(request, schema) : null
  if (found?.hash === (own ?? hash)) return pins ? { ...found, template: pinned(found, pins) } : found
  throw new TargetError({
    what: `${addressText(move)} cannot get ${name ? `the template of ${name}` : 'its former template'}`,
    why: found
      ? 'that revision was changed'
      : name
        ? 'the cluster no longer keeps that revision'
        : 'that template never had a revision',
    next: name ? 'Assess again: it shows the revisions that the cluster still keeps.' : 'Apply its manifest again.',
    code: 'revision_gone'
  })
}

/** Keeps the last-applied configuration on the revision that it was applied with, so that undoing restores exactly that. */
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
  await annotateRevision(cluster, move, { [marks.lastApplied]: kept }, signal).catch(unlessRefused)
}

/**
 * What was kept on a revision, which others may write: restored only where it names nothing that the revision does not have, and is
 * the present configuration otherwise. The next `kubectl apply` deletes what its last configuration names and the new one does not.
 */
function keptConfiguration({ lastApplied, template }: Revision, { metadata }: WorkloadObject): string | undefined {
  const kept = appliedSchema.safeParse(tryOutsideJson(lastApplied?.configuration ?? '')).data
  const present = appliedSchema.safeParse(tryOutsideJson(metadata.annotations?.[known.lastApplied] ?? '')).data
  if (!kept || !present || !covers(template, kept.spec.template)) return undefined
  const rest = ({ spec, ...others }: typeof kept) => ({ ...others, spec: { ...spec, template: null } })
  return canonicalize(rest(kept)) === canonicalize(rest(present)) ? lastApplied?.configuration : undefined
}

const appliedSchema = z.looseObject({ spec: z.looseObject({ template: z.unknown() }) })

/** Without that right, or where it is too long, undoing writes the former template into the present configuration. */
const unlessRefused = orOn(null, 403, 413, 422)

const isNewer = async (
  cluster: KubernetesContext,
  move: Move,
  live: WorkloadObject,
  signal: AbortSignal
): Promise<boolean> => (await readWorkload(cluster, move, signal)).metadata.generation !== live.metadata.generation

export const changedMeanwhile = (move: Pick<Move, 'kind' | 'namespace' | 'name'>, why: string): TargetError =>
  new TargetError({
    what: `${addressText(move)} was not changed`,
    why: `${why} since the plan was made`,
    state: 'That change was left as it is.',
    next: 'Assess again, and decide by what serves now.',
    code: 'changed_meanwhile'
  })

export const templateChanged = (move: Move): TargetError =>
  changedMeanwhile(move, 'someone else changed its pod template')
