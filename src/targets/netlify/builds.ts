import type { Risk } from '../../model/observation.ts'
import type { Deploy } from './shapes.ts'

const underWay = new Set([
  'new',
  'pending_review',
  'accepted',
  'enqueued',
  'building',
  'uploading',
  'uploaded',
  'preparing',
  'prepared',
  'processing',
  'retrying'
])

const idleMs = 60 * 60_000

/** Whether a build will publish itself when it ends. An upload that nothing was added to for an hour was given up, weeks ago perhaps. */
export function isUnderWay({ state, updated_at, created_at }: Deploy, now: Date): boolean {
  if (state !== 'uploading') return underWay.has(state)
  const at = Date.parse(updated_at ?? created_at ?? '')
  return Number.isNaN(at) || now.getTime() - at < idleMs
}

/** A running build is published over the restored deploy when it ends, unless that deploy is locked by then or the build cancelled. */
export const buildRisks = (builds: readonly Deploy[], { lock, cancels }: { lock: boolean; cancels: boolean }): Risk[] =>
  builds.map(({ id, state }) => ({
    id: `build_under_way:${id}`,
    serious: !lock && !cancels,
    title:
      lock || cancels
        ? `The production build ${id} is running (${state})`
        : `The production build ${id} is running (${state}) and will undo the rollback when it ends`,
    detail: cancels
      ? 'It is cancelled before the former deploy is published.'
      : lock
        ? 'Auto publishing stops as soon as the former deploy is published. If the build ends before that, the plan is out of date.'
        : `Set "cancel_builds": true for the target to have it cancelled, or "lock": true; or cancel it first: ${cancelCommand(id)}`
  }))

export const cancelCommand = (id: string): string => `netlify api cancelSiteDeploy --data '{"deploy_id":"${id}"}'`
