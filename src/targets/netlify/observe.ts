import { askPage, type Page } from '../../http/page.ts'
import type { Health, Observation, Risk } from '../../model/observation.ts'
import { fingerprint } from '../../support/canonical.ts'
import { oneLine } from '../../support/text.ts'
import type { Observed } from '../target.ts'
import { buildRisks, isUnderWay } from './builds.ts'
import type { NetlifyContext } from './context.ts'
import { releasesOf, wasPublished } from './releases.ts'
import type { Deploy, Site, SplitTest } from './shapes.ts'

export interface NetlifyState {
  /** Auto publishing is stopped: the published deploy is locked. */
  locked: boolean
  /** Deploys that are or were published. */
  deploys: Deploy[]
  /** Production builds that are running. */
  builds: Deploy[]
}

/** What Netlify says of the site, now. */
export async function observe(context: NetlifyContext, signal: AbortSignal): Promise<Observed<NetlifyState>> {
  const { netlify, config, history, clock } = context
  const [site, { items, more }, recent, splits] = await Promise.all([
    netlify.readSite(signal),
    netlify.productionDeploys(signal),
    netlify.recentDeploys(signal),
    netlify.splitTests(signal)
  ])
  const published = site.published_deploy ?? null
  const known = new Set(items.map(({ id }) => id))
  const listed = [...items, ...recent.filter(({ id }) => !known.has(id))].filter(
    (deploy) => wasPublished(deploy) || deploy.id === published?.id
  )
  const deploys = published && !listed.some(({ id }) => id === published.id) ? [published, ...listed] : listed
  const page = published ? await pageOf(site, context, signal) : null
  const releases = releasesOf({ deploys, published, history, seen: page?.status ?? null })
  const locked = published?.locked === true
  const builds = items.filter(
    (one) => (one.context ?? 'production') === 'production' && !one.draft && isUnderWay(one, clock.now())
  )
  const observation: Observation = {
    current: releases.find(({ id }) => id === published?.id) ?? null,
    health: healthOf(site, page),
    releases: releases.filter(({ id }) => id !== published?.id),
    risks: [
      ...(locked ? [] : buildRisks(builds, { lock: config.lock === true, cancels: config.cancel_builds === true })),
      ...splits.filter(({ active }) => active).map(splitRisk)
    ],
    blockers: [],
    fingerprint: fingerprint({ site: site.id, published: published?.id ?? null, locked }),
    notes: [
      ...(more ? ['Netlify has older deploys than those that were read.'] : []),
      ...(locked ? ['Auto publishing is stopped: the published deploy is locked.'] : [])
    ]
  }
  return { observation, state: { locked, deploys, builds: locked ? [] : builds } }
}

/** Publishing a deploy moves those visitors only that the test sends to the published branch. */
const splitRisk = ({ id, name, branches }: SplitTest): Risk => {
  const named = (branches ?? []).flatMap(({ branch }) => (branch ? [oneLine(branch, 60)] : []))
  return {
    id: `split_test:${id}`,
    serious: false,
    title: `The split test ${oneLine(name || id, 80)} is active`,
    detail: `Visitors that it sends to other branches (${named.join(', ') || 'not named'}) keep seeing those. Stop it in Netlify if one of them is broken.`
  }
}

export const addressOf = (site: Site): string | null => site.ssl_url || site.url || null

/** How the site answers a user; null where Netlify names no address of it. */
export async function pageOf(site: Site, { config, env }: NetlifyContext, signal: AbortSignal): Promise<Page | null> {
  const address = addressOf(site)
  return address ? askPage(address, env, signal, { probe: config.probe }) : null
}

function healthOf(site: Site, page: Page | null): Health {
  if (!site.published_deploy) return { state: 'down', message: 'no deploy is published' }
  if (!page) return { state: 'unknown', message: 'Netlify names no address of the site' }
  return { state: page.state, message: page.detail }
}
