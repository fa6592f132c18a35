import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'
import type { Step } from '../../../model/step.ts'
import { TargetError } from '../../../support/errors.ts'
import type { Run, StepResult } from '../../target.ts'
import type { Api } from '../client/api.ts'
import { isStatus } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import { metadataSchema } from '../objects/objects.ts'
import { paramsOf } from '../step-params.ts'
import type { HelmName } from './helm-state.ts'

const recordSchema = z.looseObject({
  metadata: metadataSchema,
  data: z.looseObject({ release: z.string() })
})

export type Unlocked = 'unlocked' | 'failed' | 'deployed' | 'gone'

const attempts = 5

/** Helm keeps its records in Secrets unless it is told otherwise (helm.sh, "Storage backends"). */
export const keepsSecrets = ({ HELM_DRIVER: driver }: NodeJS.ProcessEnv): boolean =>
  !driver || driver === 'secret' || driver === 'secrets'

export const recordName = ({ name }: HelmName, revision: number): string => `sh.helm.release.v1.${name}.v${revision}`

/**
 * Records an operation whose program died as failed, as Flux does (fluxcd/helm-controller, internal/reconcile/unlock.go): Helm
 * then works again, and still knows what was begun, which a deleted record would not. Gives how the record stands.
 */
export async function unlock(api: Api, of: HelmName, revision: number, signal: AbortSignal): Promise<Unlocked> {
  const path = `/api/v1/namespaces/${of.namespace}/secrets/${recordName(of, revision)}`
  const doing = `Clearing Helm's pending revision ${revision} of ${of.name}`
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

/** A Secret's value is base64 of base64 of gzipped JSON; only the status is changed in it, every other byte stays. */
function asFailed(data: string, status: string, doing: string): string {
  const inner = Buffer.from(data, 'base64').toString('latin1')
  const json = gunzipSync(Buffer.from(inner, 'base64')).toString('utf8')
  const before = `"status":"${status}"`
  const at = json.indexOf(before)
  if (at < 0)
    throw new TargetError({
      what: `${doing} failed`,
      why: 'its record is not understood',
      next: 'Roll back with the helm program by hand.',
      code: 'bad_answer'
    })
  const changed = `${json.slice(0, at)}"status":"failed"${json.slice(at + before.length)}`
  return Buffer.from(gzipSync(Buffer.from(changed)).toString('base64')).toString('base64')
}

const said = { unlocked: 'recorded as failed', failed: 'recorded as failed already', gone: 'no longer recorded' }

/** Records a pending revision, whose helm program died, as failed. @throws TargetError `changed_meanwhile` when it lived and ended well. */
export async function applyHelmUnlock(cluster: KubernetesContext, step: Step, run: Run): Promise<StepResult> {
  const { release, revision } = paramsOf('helm_unlock', step, cluster)
  const state = await unlock(cluster.api, release, revision, run.signal)
  if (state !== 'deployed') return { detail: said[state] }
  throw new TargetError({
    what: `Helm's release ${release.name} was not touched`,
    why: `its revision ${revision} was pending when the plan was made, and has been deployed since`,
    next: 'Assess again, and decide by what serves now.',
    code: 'changed_meanwhile'
  })
}

/** That the operation ended is true, so there is nothing to take back. */
export const revertHelmUnlock = async (): Promise<StepResult> => ({ detail: 'its program is gone, so it stays so' })
