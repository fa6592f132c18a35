import { askPage, type Page } from '../../http/page.ts'
import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Health, Observation, Risk } from '../../model/observation.ts'
import { fingerprint } from '../../support/canonical.ts'
import type { Observed } from '../target.ts'
import type { Netlify } from './api.ts'
import type { NetlifyConfig } from './config.ts'
import { releasesOf, wasPublished } from './releases.ts'
import type { Deploy, Site } from './shapes.ts'

export interface NetlifyState {
  /** Auto publishing is stopped: the published deploy is locked. */
  locked: boolean
}

/** What Netlify says of the site, now. */
export async function observe(
  netlify: Netlify,
  history: readonly DeploymentRecord[],
  { lock, probe }: NetlifyConfig,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal
): Promise<Observed<NetlifyState>> {
  const [site, { items, more }] = await Promise.all([netlify.readSite(signal), netlify.productionDeploys(signal)])
  const published = site.published_deploy ?? null
  const listed = items.filter((deploy) => wasPublished(deploy) || deploy.id === published?.id)
  const deploys = published && !listed.some(({ id }) => id === published.id) ? [published, ...listed] : listed
  const address = addressOf(site)
  const page = published && address ? await askPage(address, env, signal, { probe }) : null
  const releases = releasesOf({ deploys, published, history, seen: page?.status ?? null })
  const stopped = published?.locked === true
  const observation: Observation = {
    current: releases.find(({ id }) => id === published?.id) ?? null,
    health: healthOf(site, page),
    releases: releases.filter(({ id }) => id !== published?.id),
    risks: stopped ? [] : buildRisks(items, lock === true),
    blockers: [],
    fingerprint: fingerprint({ site: site.id, published: published?.id ?? null, locked: stopped }),
    notes: [
      ...(more ? ['Netlify has older deploys than those that were looked at.'] : []),
      ...(stopped ? ['Auto publishing is stopped: the published deploy is locked.'] : [])
    ]
  }
  return { observation, state: { locked: stopped } }
}

export const addressOf = (site: Site): string | null => site.ssl_url || site.url || null

function healthOf(site: Site, page: Page | null): Health {
  if (!site.published_deploy) return { state: 'down', message: 'no deploy is published' }
  if (!page) return { state: 'unknown', message: 'Netlify names no address of the site' }
  return { state: page.state, message: page.detail }
}

/** A build that is under way publishes itself over whatever was restored, unless that is locked by then. */
const buildRisks = (deploys: readonly Deploy[], lock: boolean): Risk[] =>
  deploys
    .filter(({ state, context }) => underWay.has(state) && (context ?? 'production') === 'production')
    .map(({ id, state }) => ({
      id: `build_under_way:${id}`,
      serious: !lock,
      title: lock
        ? `The production build ${id} is under way (${state})`
        : `The production build ${id} is under way (${state}) and will undo the rollback when it ends`,
      detail: lock
        ? 'Auto publishing is stopped as soon as the former deploy is published; should the build end before, the plan is stale.'
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
