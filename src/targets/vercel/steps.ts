import { z } from 'zod'
import { statusOf } from '../../http/failure.ts'
import type { Clock } from '../../support/clock.ts'
import { messageOf, TargetError } from '../../support/errors.ts'
import type { Run, StepResult } from '../target.ts'
import type { Received, Vercel } from './api.ts'
import { servingOf } from './rolling-release.ts'
import type { AliasRequest } from './shapes.ts'

export const rollbackSchema = z.object({
  api: z.string(),
  project: z.string(),
  team: z.string().nullable(),
  from: z.string().nullable(),
  to: z.string(),
  /** Production was pinned before, by an earlier rollback: undoing this one leaves it so. */
  pinned: z.boolean(),
  /** The step aborts a rolling release of `from`. */
  rolling: z.boolean()
})

const pollMs = 500
const refusedMs = 2000
const patienceMs = 120_000
/** So long a request that nobody confirmed may take to show. */
const unconfirmedMs = 10_000

export interface Move {
  from: string | null
  to: string
  way: 'rollback' | 'promote'
}

/**
 * Points production at another deployment, and waits until Vercel's own job has moved every domain there. Whether Vercel took a request
 * is read from the project, not from the answer: an answer can get lost after the deed.
 */
export async function move(vercel: Vercel, clock: Clock, wanted: Move, run: Run): Promise<StepResult> {
  const { from, to } = wanted
  const now = (): number => clock.now().getTime()
  const until = now() + patienceMs
  let asked: Asked | null = null
  let former: AliasRequest | null = null
  for (let round = 1; ; round++) {
    const sight = await look(vercel, run.signal)
    const { serving, job } = sight
    if (sight.settledAt === to)
      return { detail: round === 1 ? `${to} is production already` : `${to} is production`, ...pinnedRemains(sight) }
    if (serving !== from && serving !== to) throw changedMeanwhile(vercel.project, serving)
    if (round === 1 && !isUnderWay(job)) former = job
    const ours = job && job.toDeploymentId === to && !isSame(job, former) ? job : null
    if (isUnderWay(job)) {
      // A rollback that is being undone may still be at work: it ends first.
      if (job.toDeploymentId !== to && job.toDeploymentId !== from) throw changedMeanwhile(vercel.project, serving)
    } else if (ours && (ours.jobStatus === 'failed' || ours.jobStatus === 'skipped'))
      throw notMoved(vercel.project, to, `its job is ${ours.jobStatus}`, sight)
    else if (!asked && !ours) {
      asked = await ask(vercel, wanted, clock, run.signal)
      if (asked.received === 'refused') {
        if (now() > until) throw notMoved(vercel.project, to, 'it says that another change is under way', sight)
        asked = null
        await clock.sleep(refusedMs, run.signal)
      }
      continue
    } else if (asked?.unconfirmed && !ours && now() > asked.at + unconfirmedMs)
      throw unconfirmed(vercel.project, to, asked.unconfirmed, sight)
    if (now() > until) throw notMoved(vercel.project, to, lateness(sight, to), sight)
    run.progress(`Vercel moves the domains (${job?.toDeploymentId === to ? job.jobStatus : 'waiting'})`)
    await clock.sleep(pollMs, run.signal)
  }
}

async function ask(vercel: Vercel, { way, to }: Move, clock: Clock, signal: AbortSignal): Promise<Asked> {
  const at = clock.now().getTime()
  try {
    return { at, received: await (way === 'rollback' ? vercel.rollBack(to, signal) : vercel.promote(to, signal)) }
  } catch (error) {
    signal.throwIfAborted()
    const status = statusOf(error)
    if (status !== undefined && status < 500) throw error
    return { at, unconfirmed: error }
  }
}

/** A request that was made: how it was received, or the failure that leaves it open. */
interface Asked {
  at: number
  received?: Received
  unconfirmed?: unknown
}

interface Sight {
  serving: string | null
  /** What serves alone, with nothing under way that would change it. */
  settledAt: string | null
  rolling: boolean
  pinned: boolean
  job: AliasRequest | null
}

async function look(vercel: Vercel, signal: AbortSignal): Promise<Sight> {
  const [project, rolling] = await Promise.all([vercel.readProject(signal), vercel.rollingRelease(signal)])
  const serving = servingOf(project, rolling)
  const job = project.lastAliasRequest ?? null
  return {
    serving,
    settledAt: rolling || isUnderWay(job) ? null : serving,
    rolling: rolling !== null,
    pinned: project.autoAssignCustomDomains === false,
    job
  }
}

const isUnderWay = (job: AliasRequest | null): job is AliasRequest =>
  job?.jobStatus === 'pending' || job?.jobStatus === 'in-progress'

/** The project shows the last job until the next one begins: a former one, to the same deployment even, tells nothing of ours. */
const isSame = (a: AliasRequest, b: AliasRequest | null): boolean =>
  b !== null && a.type === b.type && a.toDeploymentId === b.toDeploymentId && a.requestedAt === b.requestedAt

const pinnedRemains = ({ pinned }: Sight): Pick<StepResult, 'remains'> =>
  pinned
    ? {
        remains: [
          'Vercel no longer assigns production domains to new deployments: they are built, and not live. To end that, promote the fixed deployment (vercel promote), or undo the rollback in the dashboard.'
        ]
      }
    : {}

const lateness = ({ rolling, job }: Sight, to: string): string => {
  if (rolling)
    return `a rolling release is under way; to finish one of ${to} at once: vercel rolling-release complete --dpl=${to}`
  return job?.toDeploymentId === to && isUnderWay(job)
    ? 'its job is not finished after 2 minutes'
    : 'it took the request, and 2 minutes later no job for it has moved production'
}

const changedMeanwhile = (project: string, serving: string | null): TargetError =>
  new TargetError({
    what: `The project ${project} was changed by somebody else`,
    why: `its production deployment is ${serving ?? 'none'} or becomes another one, which is neither the one before nor the one after this step`,
    state: `${serving ?? 'Nothing'} is production; it was left as it is.`,
    next: 'Assess again.',
    code: 'changed_meanwhile'
  })

const notMoved = (project: string, to: string, why: string, { serving }: Sight): TargetError =>
  new TargetError({
    what: `Vercel did not point production at ${to}`,
    why,
    state: `${serving ?? 'Nothing'} is the production deployment of ${project}; some domains may have moved already.`,
    next: 'Look at the deployments of the project in Vercel and at vercel-status.com, then assess again.',
    code: 'job_failed',
    retryable: true
  })

const unconfirmed = (project: string, to: string, cause: unknown, { serving }: Sight): TargetError =>
  new TargetError({
    what: `Vercel did not confirm that it points production at ${to}`,
    why: `${messageOf(cause)}; ${unconfirmedMs / 1000} s later the project shows no sign of it`,
    state: `${serving ?? 'Nothing'} is the production deployment of ${project}.`,
    next: 'Look at vercel-status.com, then assess again.',
    code: 'unconfirmed',
    retryable: true,
    cause
  })
