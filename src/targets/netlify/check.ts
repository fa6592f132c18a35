import { askPage, comparedWith, type Page } from '../../http/page.ts'
import type { PageProbe } from '../../http/probe.ts'
import type { Check, CheckReport } from '../../model/check.ts'
import type { Release } from '../../model/release.ts'
import { messageOf } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { Look } from '../target.ts'
import type { Netlify } from './api.ts'
import { addressOf } from './observe.ts'
import type { Site } from './shapes.ts'

/** Looks whether the site has a release published, and whether it answers as users meet it. */
export async function check(
  netlify: Netlify,
  asking: Asking,
  release: Release,
  { signal }: Look
): Promise<CheckReport> {
  let site: Site
  try {
    site = await netlify.readSite(signal)
  } catch (error) {
    signal.throwIfAborted()
    return {
      checks: [
        {
          id: 'published',
          title: 'Netlify says what is published',
          status: 'unknown',
          detail: oneLine(messageOf(error), 300)
        }
      ],
      observed: {}
    }
  }
  const published = site.published_deploy?.id ?? 'none'
  const identity: Check = {
    id: 'published',
    title: 'The planned deploy is published',
    status: published === release.id ? 'pass' : 'fail',
    detail: `the published deploy is ${published}`
  }
  return { checks: [identity, await pageCheck(site, release, asking, signal)], observed: {} }
}

/** How the site is asked for its page. */
export interface Asking {
  env: NodeJS.ProcessEnv
  probe: PageProbe | null
}

async function pageCheck(
  site: Site,
  { details }: Release,
  { env, probe }: Asking,
  signal: AbortSignal
): Promise<Check> {
  const title = 'The site answers'
  const address = addressOf(site)
  if (!address) return { id: 'page', title, status: 'unknown', detail: 'Netlify names no address of the site' }
  const permalink = typeof details?.permalink === 'string' ? details.permalink : null
  const [page, own] = await Promise.all([
    askPage(address, env, signal, { probe }),
    permalink ? askPage(permalink, env, signal, { probe }) : null
  ])
  const seen = typeof details?.seen === 'number' ? details.seen : undefined
  const { status, detail } = comparedWith(seen, page, false)
  return { id: 'page', title, status, detail: `${detail}${compared(page, own)}` }
}

/** Pages may differ by themselves, so a difference is told and proves nothing; the identity is what Netlify says is published. */
function compared(page: Page, own: Page | null): string {
  if (page.state !== 'healthy' || own?.state !== 'healthy' || !page.hash || !own.hash) return ''
  return page.hash === own.hash
    ? ', the same page as the deploy’s own address'
    : ', another page than the deploy’s own address'
}
