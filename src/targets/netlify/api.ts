import { z } from 'zod'
import type { Said } from '../../http/answer.ts'
import { type Http, openHttp } from '../../http/client.ts'
import { findToken, noToken } from '../../http/credentials.ts'
import { reasonOf } from '../../http/failure.ts'
import { allPages } from '../../http/pages.ts'
import { RollbackError, TargetError } from '../../support/errors.ts'
import type { TargetContext } from '../target.ts'
import type { NetlifyConfig } from './config.ts'
import { type Deploy, deploySchema, membersSchema, type Site, siteSchema, userSchema } from './shapes.ts'
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
  /** Of the token's owner in the team that owns the site; null where it is not told. */
  role(signal: AbortSignal): Promise<string | null>
  restore(id: string, signal: AbortSignal): Promise<void>
  setLock(id: string, locked: boolean, signal: AbortSignal): Promise<void>
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
    log,
    meaning: (said) => meaning(said, found.from)
  })
  const readSite = async (signal: AbortSignal): Promise<Site> => {
    const answer = await http.found({ doing: `Reading the site ${site}`, path, schema: siteSchema, signal })
    if (answer) return answer.body
    throw new TargetError({
      what: `Netlify knows no site ${site}`,
      why: `the login of ${found.from} does not see it`,
      next: 'Correct `site_id` in deploy.json, or use a token of the team that owns the site.',
      code: 'no_site'
    })
  }
  const path = `/sites/${encodeURIComponent(site)}`
  /** What was done is read from the site afterwards; what Netlify answers to it counts for nothing. */
  const act = async (doing: string, to: string, signal: AbortSignal): Promise<void> => {
    const request = { doing, path: to, method: 'POST', repeatable: true, signal } as const
    await http.json({ ...request, decode: () => null, schema: z.null() })
  }
  return {
    site,
    api,
    readSite,
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
    async role(signal) {
      try {
        const { account_slug: team } = await readSite(signal)
        if (!team) return null
        const [user, members] = await Promise.all([
          http.json({ doing: 'Reading who the token belongs to', path: '/user', schema: userSchema, signal }),
          http.json({
            doing: `Reading the members of ${team}`,
            path: `/${encodeURIComponent(team)}/members`,
            schema: membersSchema,
            signal
          })
        ])
        const { id, email } = user.body
        const own = members.body.find((one) => (id && one.id === id) || (email && one.email === email))
        return own?.role ?? null
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof RollbackError) return null
        throw error
      }
    },
    restore: (id, signal) => act(`Restoring the deploy ${id}`, `${path}/deploys/${id}/restore`, signal),
    setLock: (id, locked, signal) =>
      act(
        `${locked ? 'Locking' : 'Unlocking'} the deploy ${id}`,
        `/deploys/${id}/${locked ? 'lock' : 'unlock'}`,
        signal
      )
  }
}

function meaning(said: Said, from: string): { why?: string; next?: string } | undefined {
  if (said.status !== 401 && said.status !== 403) return undefined
  return {
    why: `Netlify refuses the token of ${from}${reasonOf(said) ? ` (${reasonOf(said)})` : ''}: it has expired, was revoked, or its owner may not do this`,
    next: 'Use the token of an owner or developer of the team that owns the site (app.netlify.com/user/applications), then try again.'
  }
}
