import { z } from 'zod'
import { messageOf, TargetError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import { defineStep } from '../define-step.ts'
import type { Run } from '../target.ts'
import type { Netlify } from './api.ts'
import type { NetlifyContext } from './context.ts'
import type { NetlifyState } from './observe.ts'
import { deployId } from './shapes.ts'

const params = z.object({
  site: z.string(),
  api: z.string(),
  from: deployId.nullable(),
  to: deployId,
  /** Auto publishing is stopped as soon as `to` is published. */
  lock: z.boolean(),
  /** Auto publishing was stopped before. */
  wasLocked: z.boolean()
})

const pollMs = 500
const patienceMs = 60_000

/**
 * Publishes a former deploy again, and locks it where the plan says so: in the same step, because a build that ends while the checks run
 * would otherwise be published over it.
 */
export const restore = defineStep<NetlifyContext, NetlifyState>()({
  kind: 'restore',
  phase: 'switch',
  params,
  describe(_context, { site, from, to, lock, wasLocked }, releases) {
    const commands = (id: string, locks: boolean): string[] => [
      `netlify api restoreSiteDeploy --data '{"site_id":"${site}","deploy_id":"${id}"}'`,
      ...(locks ? [`netlify api lockDeploy --data '{"deploy_id":"${id}"}'`] : [])
    ]
    const opens = lock && !wasLocked
    const locking = lock ? (wasLocked ? ', and keeping auto publishing stopped' : ', and stopping auto publishing') : ''
    return {
      id: 'restore',
      title: `Publishing ${releases.to.version} again${locking}`,
      undo: from ? `Publish ${releases.from?.version} again${opens ? ', and start auto publishing' : ''}` : null,
      manualCommands: commands(to, lock),
      ...(from && {
        manualUndoCommands: [
          ...(opens ? [`netlify api unlockDeploy --data '{"deploy_id":"${to}"}'`] : []),
          ...commands(from, wasLocked)
        ]
      })
    }
  },
  mismatch({ config }, { from, to, lock, wasLocked }, known) {
    if (to !== known.to.id) return `it publishes ${to}`
    if (from !== (known.from?.id ?? null)) return `it would publish ${from ?? 'nothing'} again`
    if (from && !known.state.deploys.some(({ id }) => id === from)) return `${from} never was the site`
    // Publishing another deploy ends a lock, so whether there was one can no longer be seen.
    return lock === (config.lock === true || wasLocked)
      ? null
      : `it ${lock ? 'stops' : 'does not stop'} auto publishing`
  },

  /** A lock that fails leaves a rollback that serves, so it is reported and no error. */
  async apply(context, { from, to, lock }, run) {
    const detail = await publish(context, { from, to }, run)
    if (!lock) return { detail, remains: [staysOn] }
    try {
      await context.netlify.setLock(to, true, run.signal)
      return { detail: `${detail}; new deploys are built, and not published`, remains: [stopped(to)] }
    } catch (error) {
      run.signal.throwIfAborted()
      return {
        detail: `${detail}; auto publishing could not be stopped`,
        remains: [
          `Auto publishing could not be stopped (${oneLine(messageOf(error))}), so the next production deploy is published over this one. To stop it: netlify api lockDeploy --data '{"deploy_id":"${to}"}'`
        ]
      }
    }
  },

  /** Publishes the deploy that was published before, and leaves auto publishing as it was. */
  async revert(context, { from, to, lock, wasLocked }, run) {
    const { netlify } = context
    if (!from) return { detail: 'nothing was published before' }
    const unlocks = lock && !wasLocked
    if (unlocks && (await publishedId(netlify, run.signal)) === to) await netlify.setLock(to, false, run.signal)
    const detail = await publish(context, { from: to, to: from }, run)
    if (wasLocked) await netlify.setLock(from, true, run.signal)
    return { detail: unlocks ? `${detail}, and auto publishing is on again` : detail }
  }
})

/** Publishes one deploy in the place of another, and waits until the site itself says so. */
async function publish(
  { netlify, clock }: NetlifyContext,
  { from, to }: { from: string | null; to: string },
  run: Run
): Promise<string> {
  const published = await publishedId(netlify, run.signal)
  if (published === to) return `${to} is already published`
  if (published !== from) throw changedMeanwhile(netlify.site, published)
  await netlify.restore(to, run.signal)
  const until = clock.now().getTime() + patienceMs
  for (;;) {
    const now = await publishedId(netlify, run.signal)
    if (now === to) return `${to} is published`
    if (now !== from) throw changedMeanwhile(netlify.site, now)
    if (clock.now().getTime() > until) throw notPublished(netlify.site, to, now)
    run.progress('Netlify accepted the request; waiting until the site shows the deploy')
    await clock.sleep(pollMs, run.signal)
  }
}

const staysOn =
  'Auto publishing stays on: the next production deploy is published over this one. Until a fix is ready, lock the deploy in Netlify, or set "lock": true for the target.'

const stopped = (deploy: string): string =>
  `Auto publishing is stopped: new deploys are built, and not live. To publish them again: netlify api unlockDeploy --data '{"deploy_id":"${deploy}"}', or "Start auto publishing" in Netlify; then publish the fix.`

const publishedId = async (netlify: Netlify, signal: AbortSignal): Promise<string | null> =>
  (await netlify.readSite(signal)).published_deploy?.id ?? null

const changedMeanwhile = (site: string, published: string | null): TargetError =>
  new TargetError({
    what: `The site ${site} was changed by someone else`,
    why: `its published deploy is ${published ?? 'none'}, neither the one before this step nor the one after it`,
    state: `${published ?? 'Nothing'} is published; it was left as it is.`,
    next: 'Assess again.',
    code: 'changed_meanwhile'
  })

const notPublished = (site: string, to: string, now: string | null): TargetError =>
  new TargetError({
    what: `Netlify did not publish ${to}`,
    why: `it accepted the request, but ${patienceMs / 1000} s later the published deploy of ${site} is still ${now ?? 'none'}`,
    state: `${now ?? 'Nothing'} is published.`,
    next: 'Check the list of deploys in Netlify and netlifystatus.com, then assess again.',
    code: 'not_published',
    retryable: true
  })
