import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'
import { TargetError } from '../../../support/errors.ts'
import type { Known } from '../../target.ts'
import type { Api } from '../client/api.ts'
import { isStatus } from '../client/failure.ts'
import { kubernetesStep } from '../kubernetes-step.ts'
import { nameSchema } from '../objects/move.ts'
import { metadataSchema } from '../objects/objects.ts'
import type { ClusterState } from '../workloads/observe.ts'
import { contentOf, type HelmState } from './helm-state.ts'
import { isPending } from './history.ts'
import { type HelmName, releaseName } from './owner.ts'

export const releaseSchema = z.object({ name: z.string().regex(releaseName), namespace: nameSchema })

/** The Helm release of deploy.json's workloads; a reason where it is not the one that a step is about. */
export function helmStateOf({ state: { helm } }: Known<ClusterState>, release: HelmName): HelmState | string {
  if (helm.state === 'unusable') return `Helm cannot be used: ${helm.why}`
  const isOurs = helm.state === 'readable' && sameName(helm.helmState.of, release)
  return isOurs ? helm.helmState : `the workloads do not belong to the Helm release ${release.name}`
}

const sameName = (a: HelmName, b: HelmName): boolean => a.name === b.name && a.namespace === b.namespace

const details = { unlocked: 'recorded as failed', failed: 'recorded as failed already', gone: 'no longer recorded' }

/** Records a pending revision, whose helm program died, as failed. */
export const failPending = kubernetesStep({
  kind: 'helm_unlock',
  phase: 'prepare',
  params: z.object({ server: z.string(), release: releaseSchema, revision: z.number().int().positive() }),
  describe: (_cluster, { release, revision }) => ({
    id: `helm_unlock:${release.namespace}/${release.name}`,
    title: `Recording Helm's revision ${revision} of ${release.name}, which never finished, as failed`,
    undo: null
  }),
  mismatch(_cluster, { release, revision }, known) {
    const helm = helmStateOf(known, release)
    if (typeof helm === 'string') return helm
    const record = helm.revisions.find((one) => one.revision === revision)
    const isFrom = record && known.from && record.content === contentOf(helm, known.from)
    const isUnfinished = record && (isPending(record) || record.status === 'failed')
    return isFrom && isUnfinished ? null : `Helm's revision ${revision} of ${release.name} is no unfinished one`
  },
  async apply({ api }, { release, revision }, { signal }) {
    const state = await unlock(api, release, revision, signal)
    if (state !== 'deployed') return { detail: details[state] }
    throw new TargetError({
      what: `The Helm release ${release.name} was not changed`,
      why: `its revision ${revision} was pending when the plan was made, and has been deployed since`,
      next: 'Assess again, and decide by what serves now.',
      code: 'changed_meanwhile'
    })
  },
  revert: async () => ({ detail: 'the operation did end, so its record stays failed' })
})

const recordSchema = z.looseObject({ metadata: metadataSchema, data: z.looseObject({ release: z.string() }) })

const attempts = 5
/** A Secret holds at most 1 MiB; JSON compresses well. */
const mostUnpacked = 64 * 1024 * 1024

/**
 * Records an operation whose program died as failed, as Flux does (fluxcd/helm-controller, internal/reconcile/unlock.go): Helm
 * then works again, and still knows what was started, unlike after deleting the record. Returns the state of the record.
 */
export async function unlock(
  api: Api,
  { name, namespace }: HelmName,
  revision: number,
  signal: AbortSignal
): Promise<'unlocked' | 'failed' | 'deployed' | 'gone'> {
  const path = `/api/v1/namespaces/${namespace}/secrets/sh.helm.release.v1.${name}.v${revision}`
  const doing = `Clearing Helm's pending revision ${revision} of ${name}`
  for (let attempt = 1; ; attempt++) {
    const record = await api.find({ doing, path, signal }, recordSchema)
    if (!record) return 'gone'
    const status = record.metadata.labels?.status ?? ''
    if (!status.startsWith('pending-')) return status === 'deployed' ? 'deployed' : 'failed'
    const body = {
      metadata: {
        resourceVersion: record.metadata.resourceVersion ?? '',
        labels: { status: 'failed', modifiedAt: String(Math.floor(api.now() / 1000)) }
      },
      data: { release: asFailed(record.data.release, status, doing) }
    }
    try {
      const contentType = 'application/merge-patch+json'
      await api.send({ doing, method: 'PATCH', path, contentType, body, signal }, z.unknown())
      return 'unlocked'
    } catch (error) {
      if (!isStatus(error, 409) || attempt === attempts) throw error
    }
  }
}

/** A Secret's value is base64 of base64 of gzipped JSON; only the status changes in it, every other byte stays. */
function asFailed(data: string, status: string, doing: string): string {
  const inner = Buffer.from(data, 'base64').toString('latin1')
  const json = gunzipSync(Buffer.from(inner, 'base64'), { maxOutputLength: mostUnpacked }).toString('utf8')
  const before = `"status":"${status}"`
  const at = json.indexOf(before)
  if (at < 0)
    throw new TargetError({
      what: `${doing} failed`,
      why: 'its record has an unknown format',
      next: 'Run helm rollback manually.',
      code: 'bad_answer'
    })
  const changed = `${json.slice(0, at)}"status":"failed"${json.slice(at + before.length)}`
  return Buffer.from(gzipSync(Buffer.from(changed)).toString('base64')).toString('base64')
}
