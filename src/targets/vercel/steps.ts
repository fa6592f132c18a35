import { z } from 'zod'
import type { Clock } from '../../support/clock.ts'
import { TargetError } from '../../support/errors.ts'
import type { Run, StepResult } from '../target.ts'
import type { Vercel } from './api.ts'
import type { Project } from './shapes.ts'

export const rollbackSchema = z.object({
  api: z.string(),
  project: z.string(),
  team: z.string().nullable(),
  from: z.string().nullable(),
  to: z.string()
})

const pollMs = 500
const patienceMs = 120_000

interface Move {
  from: string | null
  to: string
  way: 'rollback' | 'promote'
}

/** Points production at another deployment, and waits until Vercel's own job has moved every domain there. */
export async function move(vercel: Vercel, clock: Clock, { from, to, way }: Move, run: Run): Promise<StepResult> {
  const before = await vercel.readProject(run.signal)
  if (servingOf(before) === to && !isUnderWay(before)) return { detail: `${to} is production already` }
  if (servingOf(before) !== from && servingOf(before) !== to) throw changedMeanwhile(vercel.project, servingOf(before))
  if (!(isUnderWay(before) && before.lastAliasRequest?.toDeploymentId === to)) await ask(vercel, way, to, run.signal)
  const until = clock.now().getTime() + patienceMs
  for (;;) {
    const project = await vercel.readProject(run.signal)
    const job = project.lastAliasRequest
    if (servingOf(project) === to && !isUnderWay(project)) return { detail: `${to} is production` }
    // A job towards another deployment is somebody else's, whatever it reports.
    if (job && job.toDeploymentId === to && (job.jobStatus === 'failed' || job.jobStatus === 'skipped'))
      throw jobFailed(vercel.project, to, job.jobStatus, servingOf(project))
    if (servingOf(project) !== from && servingOf(project) !== to)
      throw changedMeanwhile(vercel.project, servingOf(project))
    if (clock.now().getTime() > until)
      throw jobFailed(vercel.project, to, 'not finished after 2 minutes', servingOf(project))
    run.progress(`Vercel moves the domains (${job?.toDeploymentId === to ? job.jobStatus : 'waiting'})`)
    await clock.sleep(pollMs, run.signal)
  }
}

const ask = (vercel: Vercel, way: Move['way'], to: string, signal: AbortSignal) =>
  way === 'rollback' ? vercel.rollBack(to, signal) : vercel.promote(to, signal)

const servingOf = ({ targets }: Project): string | null => targets?.production?.id ?? null

const isUnderWay = ({ lastAliasRequest: job }: Project): boolean =>
  job?.jobStatus === 'pending' || job?.jobStatus === 'in-progress'

const changedMeanwhile = (project: string, serving: string | null): TargetError =>
  new TargetError({
    what: `The project ${project} was changed by somebody else`,
    why: `its production deployment is ${serving ?? 'none'}, which is neither the one before nor the one after this step`,
    state: `${serving ?? 'Nothing'} is production; it was left as it is.`,
    next: 'Assess again.',
    code: 'changed_meanwhile'
  })

const jobFailed = (project: string, to: string, status: string, serving: string | null): TargetError =>
  new TargetError({
    what: `Vercel did not point production at ${to}`,
    why: `its job is ${status}`,
    state: `${serving ?? 'Nothing'} is the production deployment of ${project}; some domains may have moved already.`,
    next: 'Look at the deployments of the project in Vercel and at vercel-status.com, then assess again.',
    code: 'job_failed',
    retryable: true
  })
