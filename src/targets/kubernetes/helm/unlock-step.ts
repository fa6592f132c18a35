import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'
import { TargetError } from '../../../support/errors.ts'
import type { StepKind } from '../../define-steps.ts'
import type { Api } from '../client/api.ts'
import { isStatus } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import { nameSchema } from '../objects/move.ts'
import { metadataSchema } from '../objects/objects.ts'
import { type HelmName, releaseName } from './owner.ts'

export const releaseSchema = z.object({ name: z.string().regex(releaseName), namespace: nameSchema })
const params = z.object({ server: z.string(), release: releaseSchema, revision: z.number().int().positive() })
export type UnlockParams = z.infer<typeof params>

const details = { unlocked: 'recorded as failed', failed: 'recorded as failed already', gone: 'no longer recorded' }

/** Records a pending revision, whose helm program died, as failed. */
export const failPending: StepKind<KubernetesContext, UnlockParams> = {
  params,
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
}

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
