import { z } from 'zod'
import type { Said } from '../../http/answer.ts'
import { type Http, type HttpContext, openHttp } from '../../http/client.ts'
import { findToken, noToken } from '../../http/credentials.ts'
import { reasonOf } from '../../http/failure.ts'
import { allPages } from '../../http/pages.ts'
import { RollbackError, TargetError } from '../../support/errors.ts'
import {
  type Deploy,
  deploySchema,
  membersSchema,
  type Site,
  type SplitTest,
  siteSchema,
  splitTestsSchema,
  userSchema
} from './shapes.ts'
import { tokenSources } from './token.ts'

const mostPages = 5

/** What this target asks of Netlify (open-api.netlify.com). */
export interface Netlify {
  readonly site: string
  readonly api: string
  readSite(signal: AbortSignal): Promise<Site>
  /** Production deploys, newest first; `more` when there are older ones. */
  productionDeploys(signal: AbortSignal): Promise<{ items: Deploy[]; more: boolean }>
  /** The newest of every context, drafts among them: some were published by a restore. */
  recentDeploys(signal: AbortSignal): Promise<Deploy[]>
  readDeploy(id: string, signal: AbortSignal): Promise<Deploy | null>
  /** Empty where Netlify does not say. */
  splitTests(signal: AbortSignal): Promise<SplitTest[]>
  /** Of the token's owner in the team that owns the site; null where Netlify does not say. */
  role(signal: AbortSignal): Promise<string | null>
  restore(id: string, signal: AbortSignal): Promise<void>
  cancel(id: string, signal: AbortSignal): Promise<void>
  setLock(id: string, locked: boolean, signal: AbortSignal): Promise<void>
}

/** @throws ConfigError when no token is there. */
export async function openNetlify(site: string, context: HttpContext): Promise<Netlify> {
  const { env, mask } = context
  const sources = tokenSources(env)
  const token = await findToken(sources, mask)
  if (!token)
    throw noToken(
      'Netlify',
      sources,
      'Create a personal access token at app.netlify.com/user/applications and set NETLIFY_AUTH_TOKEN.'
    )
  // Only the environment may name another address: a file of the repository must not choose where the token is sent.
  const api = (env.NETLIFY_API_URL || 'https://api.netlify.com/api/v1').replace(/(?<!\/)\/+$/, '')
  const http: Http = openHttp({
    ...context,
    service: 'Netlify',
    base: api,
    authorization: `Bearer ${token.token}`,
    meaning: (said) => meaning(said, token.from)
  })
  const readSite = async (signal: AbortSignal): Promise<Site> => {
    const found = await http.find({ doing: `Reading the site ${site}`, path, schema: siteSchema, signal })
    if (found) return found
    throw new TargetError({
      what: `Netlify has no site ${site}`,
      why: `the token from ${token.from} cannot see it`,
      next: 'Correct `site_id` in deploy.json, or use a token of the team that owns the site.',
      code: 'no_site'
    })
  }
  const path = `/sites/${encodeURIComponent(site)}`
  /** The answer to a change is not used: what was done is read from the site afterwards. */
  const act = async (doing: string, to: string, signal: AbortSignal): Promise<void> => {
    const request = { doing, path: to, method: 'POST', repeatable: true, signal } as const
    await http.read({ ...request, decode: () => null, schema: z.null() })
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
    recentDeploys: (signal) =>
      http.read({
        doing: `Reading the deploys of ${site}`,
        path: `${path}/deploys`,
        query: { per_page: 100 },
        schema: z.array(deploySchema),
        signal
      }),
    readDeploy: (id, signal) =>
      http.find({ doing: `Reading the deploy ${id}`, path: `/deploys/${id}`, schema: deploySchema, signal }),
    async splitTests(signal) {
      try {
        const doing = `Reading the split tests of ${site}`
        return (await http.find({ doing, path: `${path}/traffic_splits`, schema: splitTestsSchema, signal })) ?? []
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof RollbackError) return []
        throw error
      }
    },
    async role(signal) {
      try {
        const { account_slug: team } = await readSite(signal)
        if (!team) return null
        const [user, members] = await Promise.all([
          http.read({ doing: 'Reading who the token belongs to', path: '/user', schema: userSchema, signal }),
          http.read({
            doing: `Reading the members of ${team}`,
            path: `/${encodeURIComponent(team)}/members`,
            schema: membersSchema,
            signal
          })
        ])
        const { id, email } = user
        return members.find((one) => (id && one.id === id) || (email && one.email === email))?.role ?? null
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof RollbackError) return null
        throw error
      }
    },
    restore: (id, signal) => act(`Restoring the deploy ${id}`, `${path}/deploys/${id}/restore`, signal),
    cancel: (id, signal) => act(`Cancelling the build ${id}`, `/deploys/${id}/cancel`, signal),
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
    why: `Netlify refuses the token from ${from}${reasonOf(said) ? ` (${reasonOf(said)})` : ''}: it has expired, was revoked, or its owner may not do this`,
    next: 'Use the token of an owner or developer of the team that owns the site (app.netlify.com/user/applications), then try again.'
  }
}
