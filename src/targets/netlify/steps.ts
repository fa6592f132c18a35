import { z } from 'zod'
import type { Clock } from '../../support/clock.ts'
import { messageOf, TargetError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { Run, StepResult } from '../target.ts'
import type { Netlify } from './api.ts'

export const restoreSchema = z.object({
  site: z.string(),
  api: z.string(),
  from: z.string().nullable(),
  to: z.string(),
  /** Auto publishing is stopped as soon as `to` is published. */
  lock: z.boolean(),
  /** Auto publishing was stopped before. */
  wasLocked: z.boolean()
})

export type Restore = z.infer<typeof restoreSchema>

const pollMs = 500
const patienceMs = 60_000

/** Publishes a former deploy and locks it where that is wanted: a lock that fails leaves a rollback that serves, and is told. */
export async function restore(
  netlify: Netlify,
  clock: Clock,
  { from, to, lock }: Restore,
  run: Run
): Promise<StepResult> {
  const detail = await publish(netlify, clock, { from, to }, run)
  if (!lock) return { detail, remains: [goesOn] }
  try {
    await netlify.setLock(to, true, run.signal)
    return { detail: `${detail}, and new deploys are built, and not published`, remains: [stopped(to)] }
  } catch (error) {
    run.signal.throwIfAborted()
    return {
      detail: `${detail}; auto publishing could not be stopped`,
      remains: [
        `Auto publishing could not be stopped (${oneLine(messageOf(error))}), so the next production deploy is published over this one. By hand: netlify api lockDeploy --data '{"deploy_id":"${to}"}'`
      ]
    }
  }
}

/** Publishes what was there before, and leaves auto publishing as it was. */
export async function takeBack(
  netlify: Netlify,
  clock: Clock,
  { from, to, lock, wasLocked }: Restore,
  run: Run
): Promise<StepResult> {
  if (!from) return { detail: 'there was nothing before' }
  const opens = lock && !wasLocked
  if (opens && (await publishedId(netlify, run.signal)) === to) await netlify.setLock(to, false, run.signal)
  const detail = await publish(netlify, clock, { from: to, to: from }, run)
  if (wasLocked) await netlify.setLock(from, true, run.signal)
  return { detail: opens ? `${detail}, and auto publishing goes on` : detail }
}

/** Publishes one deploy in the place of another, and waits until the site itself says so. */
async function publish(
  netlify: Netlify,
  clock: Clock,
  { from, to }: { from: string | null; to: string },
  run: Run
): Promise<string> {
  const published = await publishedId(netlify, run.signal)
  if (published === to) return `${to} is published already`
  if (published !== from) throw changedMeanwhile(netlify.site, published)
  await netlify.restore(to, run.signal)
  const until = clock.now().getTime() + patienceMs
  for (;;) {
    const now = await publishedId(netlify, run.signal)
    if (now === to) return `${to} is published`
    if (now !== from) throw changedMeanwhile(netlify.site, now)
    if (clock.now().getTime() > until) throw notPublished(netlify.site, to, now)
    run.progress('Netlify took it; waiting until the site has it')
    await clock.sleep(pollMs, run.signal)
  }
}

const goesOn =
  'Auto publishing goes on: the next production deploy is published over this one. Until a fix is ready, lock the deploy in Netlify, or set "lock": true for the target.'

const stopped = (deploy: string): string =>
  `Auto publishing is stopped: new deploys are built, and not live. To publish them again: netlify api unlockDeploy --data '{"deploy_id":"${deploy}"}', or "Start auto publishing" in Netlify; then publish the fix.`

const publishedId = async (netlify: Netlify, signal: AbortSignal): Promise<string | null> =>
  (await netlify.readSite(signal)).published_deploy?.id ?? null

const changedMeanwhile = (site: string, published: string | null): TargetError =>
  new TargetError({
    what: `The site ${site} was changed by somebody else`,
    why: `its published deploy is ${published ?? 'none'}, which is neither the one before nor the one after this step`,
    state: `${published ?? 'Nothing'} is published; it was left as it is.`,
    next: 'Assess again.',
    code: 'changed_meanwhile'
  })

const notPublished = (site: string, to: string, now: string | null): TargetError =>
  new TargetError({
    what: `Netlify did not publish ${to}`,
    why: `it took the request, but ${patienceMs / 1000} s later the published deploy of ${site} is still ${now ?? 'none'}`,
    state: `${now ?? 'Nothing'} is published.`,
    next: 'Look at the list of deploys in Netlify and at netlifystatus.com, then assess again.',
    code: 'not_published',
    retryable: true
  })
