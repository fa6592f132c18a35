import { z } from 'zod'
import { TargetError } from '../../support/errors.ts'
import { type Http, openHttp } from '../http/client.ts'
import { findToken, noToken } from '../http/credentials.ts'
import { allPages } from '../http/pages.ts'
import type { TargetContext } from '../target.ts'
import type { NetlifyConfig } from './config.ts'
import { type Deploy, deploySchema, type Site, siteSchema } from './shapes.ts'
import { tokenSources } from './token.ts'

const mostPages = 5

/** What this target asks of Netlify (open-api.netlify.com). */
export interface Netlify {
  readonly site: string
  readonly api: string
  readSite(signal: AbortSignal): Promise<Site>
  /** Production deploys, newest first; `more` when there are older ones. */
  productionDeploys(signal: AbortSignal): Promise<{ items: Deploy[]; more: boolean }>
  readDeploy(id: string, signal: AbortSignal): Promise<Deploy | null>
  restore(id: string, signal: AbortSignal): Promise<void>
  setLock(id: string, locked: boolean, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** @throws ConfigError when no token is there. */
export async function openNetlify(
  site: string,
  { env, clock, mask, log }: TargetContext<NetlifyConfig>
): Promise<Netlify> {
  const sources = tokenSources(env)
  const found = await findToken(sources, mask)
  if (!found)
    throw noToken(
      'Netlify',
      sources,
      'Create a personal access token at app.netlify.com/user/applications and set NETLIFY_AUTH_TOKEN.'
    )
  // Only the environment may name another address: a file of the repository must not choose where the token is sent.
  const api = (env.NETLIFY_API_URL || 'https://api.netlify.com/api/v1').replace(/\/+$/, '')
  const http: Http = openHttp({
    service: 'Netlify',
    base: api,
    authorization: `Bearer ${found.token}`,
    env,
    clock,
    mask,
    log
  })
  const path = `/sites/${encodeURIComponent(site)}`
  return {
    site,
    api,
    async readSite(signal) {
      const answer = await http.found({ doing: `Reading the site ${site}`, path, schema: siteSchema, signal })
      if (answer) return answer.body
      throw new TargetError({
        what: `Netlify knows no site ${site}`,
        why: `the login of ${found.from} does not see it`,
        next: 'Correct `site_id` in deploy.json, or use a token of the team that owns the site.',
        code: 'no_site'
      })
    },
    productionDeploys: (signal) =>
      allPages(
        http,
        {
          doing: `Reading the deploys of ${site}`,
          path: `${path}/deploys`,
          query: { production: true, per_page: 100 },
          schema: z.array(deploySchema),
          signal
        },
        mostPages
      ),
    async readDeploy(id, signal) {
      const answer = await http.found({
        doing: `Reading the deploy ${id}`,
        path: `/deploys/${id}`,
        schema: deploySchema,
        signal
      })
      return answer?.body ?? null
    },
    async restore(id, signal) {
      const doing = `Restoring the deploy ${id}`
      await http.json({
        doing,
        method: 'POST',
        path: `${path}/deploys/${id}/restore`,
        schema: deploySchema,
        repeatable: true,
        signal
      })
    },
    async setLock(id, locked, signal) {
      const doing = `${locked ? 'Locking' : 'Unlocking'} the deploy ${id}`
      const verb = locked ? 'lock' : 'unlock'
      await http.json({
        doing,
        method: 'POST',
        path: `/deploys/${id}/${verb}`,
        schema: deploySchema,
        repeatable: true,
        signal
      })
    },
    close: () => http.close()
  }
}
