import { askPage, comparedWith, type Page } from '../../http/page.ts'
import { type Check, type CheckReport, checkOf } from '../../model/check.ts'
import type { Release } from '../../model/release.ts'
import { messageOf } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { CheckOptions } from '../target.ts'
import type { NetlifyContext } from './context.ts'
import { pageOf } from './observe.ts'
import type { Site } from './shapes.ts'

/** Whether the site has a release published, and whether it answers as users see it. */
export async function check(context: NetlifyContext, release: Release, { signal }: CheckOptions): Promise<CheckReport> {
  let site: Site
  try {
    site = await context.netlify.readSite(signal)
  } catch (error) {
    signal.throwIfAborted()
    return { checks: [identity('unknown', oneLine(messageOf(error), 300))], observed: {} }
  }
  const published = site.published_deploy?.id ?? 'none'
  const isPlanned = identity(published === release.id ? 'pass' : 'fail', `the published deploy is ${published}`)
  return { checks: [isPlanned, await pageCheck(context, site, release, signal)], observed: {} }
}

const identity = checkOf('published', 'The planned deploy is published')

async function pageCheck(
  context: NetlifyContext,
  site: Site,
  { details }: Release,
  signal: AbortSignal
): Promise<Check> {
  const title = 'The site answers'
  const permalink = typeof details?.permalink === 'string' ? details.permalink : null
  const [page, own] = await Promise.all([
    pageOf(site, context, signal),
    permalink ? askPage(permalink, context.env, signal, { probe: context.config.probe }) : null
  ])
  if (!page) return { id: 'page', title, status: 'unknown', detail: 'Netlify names no address of the site' }
  const before = typeof details?.seen === 'number' ? details.seen : undefined
  const { status, detail } = comparedWith(before, page, false)
  return { id: 'page', title, status, detail: `${detail}${compared(page, own)}` }
}

/** Pages may differ by themselves, so a difference is reported and proves nothing; the identity is what Netlify says is published. */
function compared(page: Page, own: Page | null): string {
  if (page.state !== 'healthy' || own?.state !== 'healthy' || !page.hash || !own.hash) return ''
  return page.hash === own.hash
    ? ', the same page as the deploy’s own address'
    : ', another page than the deploy’s own address'
}
