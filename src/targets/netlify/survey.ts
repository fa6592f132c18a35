import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Health, Risk, Survey } from '../../model/survey.ts'
import { askPage } from '../http/page.ts'
import type { Netlify } from './api.ts'
import { releasesOf, wasPublished } from './releases.ts'
import type { Deploy, Site } from './shapes.ts'

/** What Netlify says of the site, now. */
export async function survey(
  netlify: Netlify,
  history: readonly DeploymentRecord[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal
): Promise<Survey> {
  const [site, { items, more }] = await Promise.all([netlify.readSite(signal), netlify.productionDeploys(signal)])
  const published = site.published_deploy ?? null
  const listed = items.filter((deploy) => wasPublished(deploy) || deploy.id === published?.id)
  const deploys = published && !listed.some(({ id }) => id === published.id) ? [published, ...listed] : listed
  const releases = releasesOf(deploys, history)
  return {
    current: releases.find(({ id }) => id === published?.id) ?? null,
    health: await healthOf(site, env, signal),
    releases: releases.filter(({ id }) => id !== published?.id),
    risks: buildRisks(items),
    blockers: [],
    fingerprint: { site: site.id, published: published?.id ?? null, locked: published?.locked ?? false },
    notes: [
      ...(more ? ['Netlify has older deploys than those that were looked at.'] : []),
      ...(published?.locked ? ['Auto publishing is stopped: the published deploy is locked.'] : [])
    ]
  }
}

export const addressOf = (site: Site): string | null => site.ssl_url || site.url || null

async function healthOf(site: Site, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Health> {
  const address = addressOf(site)
  if (!site.published_deploy) return { state: 'down', message: 'no deploy is published' }
  if (!address) return { state: 'unknown', message: 'Netlify names no address of the site' }
  const { state, detail } = await askPage(address, env, signal)
  return { state, message: detail }
}

/** A build that is under way publishes itself over whatever was restored. */
const buildRisks = (deploys: readonly Deploy[]): Risk[] =>
  deploys
    .filter(({ state, context }) => underWay.has(state) && (context ?? 'production') === 'production')
    .map(({ id, state }) => ({
      id: `build_under_way:${id}`,
      serious: true,
      title: `The production build ${id} is under way (${state}) and will undo the rollback when it ends`,
      detail: `Cancel it first (POST /deploys/${id}/cancel, or in the list of deploys), or set "lock": true for the target.`
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
