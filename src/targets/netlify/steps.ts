import { z } from 'zod'
import type { Clock } from '../../support/clock.ts'
import { TargetError } from '../../support/errors.ts'
import type { Run, StepResult } from '../target.ts'
import type { Netlify } from './api.ts'

export const restoreSchema = z.object({
  site: z.string(),
  api: z.string(),
  from: z.string().nullable(),
  to: z.string()
})
export const lockSchema = z.object({ site: z.string(), api: z.string(), deploy: z.string() })

const pollMs = 500
const patienceMs = 60_000

/** Publishes one deploy in the place of another, and waits until the site itself says so. */
export async function publish(
  netlify: Netlify,
  clock: Clock,
  { from, to }: { from: string | null; to: string },
  run: Run
): Promise<StepResult> {
  const published = await publishedId(netlify, run.signal)
  if (published === to) return { detail: `${to} is published already` }
  if (published !== from) throw changedMeanwhile(netlify.site, published)
  await netlify.restore(to, run.signal)
  const until = clock.now().getTime() + patienceMs
  for (;;) {
    const now = await publishedId(netlify, run.signal)
    if (now === to) return { detail: `${to} is published` }
    if (now !== from) throw changedMeanwhile(netlify.site, now)
    if (clock.now().getTime() > until) throw notPublished(netlify.site, to, now)
    run.progress('Netlify took it; waiting until the site has it')
    await clock.sleep(pollMs, run.signal)
  }
}

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
