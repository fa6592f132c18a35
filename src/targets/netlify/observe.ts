import { askPage, type Page } from '../../http/page.ts'
import type { Health, Observation, Risk } from '../../model/observation.ts'
import { fingerprint } from '../../support/canonical.ts'
import type { Observed } from '../target.ts'
import type { NetlifyContext } from './context.ts'
import { releasesOf, wasPublished } from './releases.ts'
import type { Deploy, Site } from './shapes.ts'

export interface NetlifyState {
  /** Auto publishing is stopped: the published deploy is locked. */
  locked: boolean
  /** Deploys that are or were published. */
  deploys: Deploy[]
}

/** What Netlify says of the site, now. */
export async function observe(context: NetlifyContext, signal: AbortSignal): Promise<Observed<NetlifyState>> {
  const { netlify, config, history } = context
  const [site, { items, more }] = await Promise.all([netlify.readSite(signal), netlify.productionDeploys(signal)])
  const published = site.published_deploy ?? null
  const listed = items.filter((deploy) => wasPublished(deploy) || deploy.id === published?.id)
  const deploys = published && !listed.some(({ id }) => id === published.id) ? [published, ...listed] : listed
  const page = published ? await pageOf(site, context, signal) : null
  const releases = releasesOf({ deploys, published, history, seen: page?.status ?? null })
  const locked = published?.locked === true
  const observation: Observation = {
    current: releases.find(({ id }) => id === published?.id) ?? null,
    health: healthOf(site, page),
    releases: releases.filter(({ id }) => id !== published?.id),
    risks: locked ? [] : buildRisks(items, config.lock === true),
    blockers: [],
    fingerprint: fingerprint({ site: site.id, published: published?.id ?? null, locked }),
    notes: [
      ...(more ? ['Netlify has older deploys than those that were read.'] : []),
      ...(locked ? ['Auto publishing is stopped: the published deploy is locked.'] : [])
    ]
  }
  return { observation, state: { locked, deploys } }
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

/** A running build is published over the restored deploy when it ends, unless that deploy is locked by then. */
const buildRisks = (deploys: readonly Deploy[], lock: boolean): Risk[] =>
  deploys
    .filter(({ state, context }) => underWay.has(state) && (context ?? 'production') === 'production')
    .map(({ id, state }) => ({
      id: `build_under_way:${id}`,
      serious: !lock,
      title: lock
        ? `The production build ${id} is running (${state})`
        : `The production build ${id} is running (${state}) and will undo the rollback when it ends`,
      detail: lock
        ? 'Auto publishing stops as soon as the former deploy is published. If the build ends before that, the plan is out of date.'
        : `Cancel it first (POST /deploys/${id}/cancel, or in the list of deploys), or set "lock": true for the target.`
    }))

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
