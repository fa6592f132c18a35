import { z } from 'zod'
import { statusOf } from '../../http/failure.ts'
import type { Clock } from '../../support/clock.ts'
import { messageOf, TargetError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import { defineStep } from '../define-step.ts'
import type { Run, StepResult } from '../target.ts'
import type { Action, Received, Vercel } from './api.ts'
import type { VercelContext } from './context.ts'
import type { VercelState } from './observe.ts'
import { isPinned, servingOf } from './rolling-release.ts'
import { type AliasRequest, deploymentId, placeParams } from './shapes.ts'

const params = z.object({
  ...placeParams,
  from: deploymentId.nullable(),
  to: deploymentId,
  /** Production was pinned before, by an earlier rollback: undoing this one leaves it so. */
  pinned: z.boolean(),
  /** The step aborts a rolling release of `from`. */
  rolling: z.boolean()
})

/** Vercel's instant rollback. */
export const rollback = defineStep<VercelContext, VercelState>()({
  kind: 'rollback',
  phase: 'switch',
  params,
  describe(_context, { from, to, pinned, rolling }, releases) {
    const step = {
      id: 'rollback',
      title: `Pointing production at ${releases.to.version}`,
      undo: null,
      manualCommands: [`vercel rollback ${to}`]
    }
    const former = releases.from?.version
    if (!from) return step
    if (rolling)
      return {
        ...step,
        title: `Aborting the rolling release of ${former}: all traffic to ${releases.to.version}`,
        undo: `Start the rolling release of ${former} again`,
        manualUndoCommands: [`vercel rolling-release start --dpl=${from}`]
      }
    return {
      ...step,
      undo: pinned
        ? `Point production at ${former} again; new deployments stay unassigned, as they were`
        : `Promote ${former} again, which also assigns new deployments again`,
      manualUndoCommands: [`vercel ${pinned ? 'rollback' : 'promote'} ${from}`]
    }
  },
  mismatch(_context, { from, to, pinned, rolling }, known) {
    const { deployments, project, rolling: active } = known.state
    if (to !== known.to.id) return `it points production at ${to}`
    if (from !== (known.from?.id ?? null)) return `it would point production back at ${from ?? 'nothing'}`
    if (from && !deployments.some(({ uid }) => uid === from))
      return `${from} is no production deployment of the project`
    // Vercel pins production as soon as it accepts a rollback, so the opposite is no contradiction.
    if (pinned && !isPinned(project))
      return 'it says that new deployments were unassigned before, and they are assigned'
    if (rolling && !active && known.observation.current?.id === from) return 'there is no rolling release to abort'
    return null
  },
  apply: (context, { from, to }, run) => move(context, { from, to, by: 'rollback' }, run),
  async revert(context, { from, to, pinned, rolling }, run) {
    if (!from) return { detail: 'there was no production deployment before' }
    if (!rolling) return move(context, { from: to, to: from, by: pinned ? 'rollback' : 'promote' }, run)
    // A rolling release would begin at its first stage again, and by itself: a person decides that.
    if ((await context.vercel.rollingRelease(run.signal))?.canary === from)
      return { detail: 'the rolling release continues' }
    return { manual: [`To start the rolling release again: vercel rolling-release start --dpl=${from}`] }
  }
})

const pollMs = 500
const refusedMs = 2000
const patienceMs = 120_000
/** How long an unconfirmed request may take to show. */
const unconfirmedMs = 10_000

interface Move {
  from: string | null
  to: string
  by: Action
}

/**
 * Points production at another deployment, and waits until Vercel's own job has moved every domain there. Whether Vercel accepted a
 * request is read from the project, not from the answer: an answer can get lost after the change.
 */
async function move({ vercel, clock }: VercelContext, wanted: Move, run: Run): Promise<StepResult> {
  const { from, to } = wanted
  const reason = `${run.rollbackId}: ${from ?? 'nothing'} to ${to}`
  let { by } = wanted
  const now = (): number => clock.now().getTime()
  const until = now() + patienceMs
  let asked: Asked | null = null
  let former: AliasRequest | null = null
  let refusals = 0
  for (let round = 1; ; round++) {
    const state = await readState(vercel, run.signal)
    const { serving, job } = state
    if (state.settledAt === to)
      return { detail: round === 1 ? `${to} is already production` : `${to} is production`, ...pinnedRemains(state) }
    if (serving !== from && serving !== to) throw changedMeanwhile(vercel.project, serving)
    if (round === 1 && !isUnderWay(job)) former = job
    const ours = job && job.toDeploymentId === to && !isSame(job, former) ? job : null
    if (isUnderWay(job)) {
      // A rollback that is being undone may still be running: it ends first.
      if (job.toDeploymentId !== to && job.toDeploymentId !== from) throw changedMeanwhile(vercel.project, serving)
    } else if (ours && (ours.jobStatus === 'failed' || ours.jobStatus === 'skipped'))
      throw notMoved(
        vercel.project,
        to,
        `its job is ${ours.jobStatus}`,
        state,
        await vercel.failedAliases(by, run.signal)
      )
    else if (!asked && !ours) {
      asked = await ask(vercel, by, to, reason, clock, run.signal)
      if (asked.received === 'refused') {
        // With no job under way, a second refusal is about promoting itself, as of what was promoted once: a rollback does the same move.
        if (by === 'promote' && !state.rolling && ++refusals > 1) by = 'rollback'
        if (now() > until) throw notMoved(vercel.project, to, 'it reports another change in progress', state)
        asked = null
        await clock.sleep(refusedMs, run.signal)
      }
      continue
    } else if (asked?.unconfirmed && !ours && now() > asked.at + unconfirmedMs)
      throw unconfirmed(vercel.project, to, asked.unconfirmed, state)
    if (now() > until) throw notMoved(vercel.project, to, lateness(state, to), state)
    run.progress(`Vercel is moving the domains (${job?.toDeploymentId === to ? job.jobStatus : 'waiting'})`)
    await clock.sleep(pollMs, run.signal)
  }
}

async function ask(
  vercel: Vercel,
  by: Action,
  to: string,
  reason: string,
  clock: Clock,
  signal: AbortSignal
): Promise<Asked> {
  const at = clock.now().getTime()
  try {
    return { at, received: await vercel.move(by, to, reason, signal) }
  } catch (error) {
    signal.throwIfAborted()
    const status = statusOf(error)
    if (status !== undefined && status < 500) throw error
    return { at, unconfirmed: error }
  }
}

/** A request that was sent: what Vercel made of it, or the failure that leaves it open. */
interface Asked {
  at: number
  received?: Received
  unconfirmed?: unknown
}

interface ProductionState {
  serving: string | null
  /** What serves alone, with no job or rolling release that would change it. */
  settledAt: string | null
  rolling: boolean
  pinned: boolean
  job: AliasRequest | null
}

async function readState(vercel: Vercel, signal: AbortSignal): Promise<ProductionState> {
  const [project, rolling] = await Promise.all([vercel.readProject(signal), vercel.rollingRelease(signal)])
  const serving = servingOf(project, rolling)
  const job = project.lastAliasRequest ?? null
  return {
    serving,
    settledAt: rolling || isUnderWay(job) ? null : serving,
    rolling: rolling !== null,
    pinned: isPinned(project),
    job
  }
}

const isUnderWay = (job: AliasRequest | null): job is AliasRequest =>
  job?.jobStatus === 'pending' || job?.jobStatus === 'in-progress'

/** The project shows the last job until the next one begins: an earlier one, even to the same deployment, is not ours. */
const isSame = (a: AliasRequest, b: AliasRequest | null): boolean =>
  b !== null && a.type === b.type && a.toDeploymentId === b.toDeploymentId && a.requestedAt === b.requestedAt

const pinnedRemains = ({ pinned }: ProductionState): Pick<StepResult, 'remains'> =>
  pinned
    ? {
        remains: [
          'Vercel no longer assigns production domains to new deployments: they are built, and not live. To end that, promote the fixed deployment (vercel promote), or undo the rollback in the dashboard.'
        ]
      }
    : {}

const lateness = ({ rolling, job }: ProductionState, to: string): string => {
  if (rolling)
    return `a rolling release is active; to finish one of ${to} at once: vercel rolling-release complete --dpl=${to}`
  return job?.toDeploymentId === to && isUnderWay(job)
    ? 'its job did not finish within 2 minutes'
    : 'it accepted the request, and within 2 minutes no job moved production'
}

const changedMeanwhile = (project: string, serving: string | null): TargetError =>
  new TargetError({
    what: `The project ${project} was changed by someone else`,
    why: `its production deployment is, or is becoming, ${serving ?? 'none'}: neither the one before this step nor the one after it`,
    state: `${serving ?? 'Nothing'} is production; it was left as it is.`,
    next: 'Assess again.',
    code: 'changed_meanwhile'
  })

const notMoved = (
  project: string,
  to: string,
  why: string,
  { serving }: ProductionState,
  left: readonly string[] = []
): TargetError =>
  new TargetError({
    what: `Vercel did not point production at ${to}`,
    why,
    state: `${serving ?? 'Nothing'} is the production deployment of ${project}; ${left.length > 0 ? `not moved: ${oneLine(left.join(', '), 400)}` : 'some domains may have moved already'}.`,
    next: 'Check the deployments of the project in Vercel and vercel-status.com, then assess again.',
    code: 'job_failed',
    retryable: true
  })

const unconfirmed = (project: string, to: string, cause: unknown, { serving }: ProductionState): TargetError =>
  new TargetError({
    what: `Vercel did not confirm that production points at ${to}`,
    why: `${messageOf(cause)}; ${unconfirmedMs / 1000} s later the project shows no sign of it`,
    state: `${serving ?? 'Nothing'} is the production deployment of ${project}.`,
    next: 'Check vercel-status.com, then assess again.',
    code: 'unconfirmed',
    retryable: true,
    cause
  })
