import { z } from 'zod'
import type { Said } from '../../http/answer.ts'
import { type HttpRequest, openHttp } from '../../http/client.ts'
import { findToken, noToken } from '../../http/credentials.ts'
import { reasonOf, statusOf } from '../../http/failure.ts'
import type { Pages } from '../../http/pages.ts'
import { RollbackError, TargetError } from '../../support/errors.ts'
import type { TargetContext } from '../target.ts'
import {
  aliasesSchema,
  aliasSchema,
  buildEventsSchema,
  type Deployment,
  deploymentsSchema,
  domainConfigSchema,
  domainName,
  domainsSchema,
  failedAliasesSchema,
  type OneDeployment,
  oneDeploymentSchema,
  type Project,
  projectSchema,
  rollingReleaseSchema,
  teamSchema
} from './shapes.ts'
import { howToLogIn, tokenSources } from './token.ts'

const maxPages = 5
const eventsOfBuild = 60

export interface ProjectName {
  project: string
  team: string | null
}

/** An active rolling release. */
export interface Rolling {
  /** Serves the rest of the traffic, and all of it once the rolling release is aborted. */
  base: string | null
  canary: string
  percentage: number | null
}

export interface Membership {
  role: string
  /** Further permissions; null where Vercel does not tell. */
  permissions: string[] | null
}

/** What Vercel made of a request to move production: `queued` waits for a rolling release, `refused` met another change (409). */
export type Received = 'accepted' | 'queued' | 'refused'

/** What this target asks of Vercel (vercel.com/docs/rest-api). */
export interface Vercel extends ProjectName {
  readonly api: string
  readProject(signal: AbortSignal): Promise<Project>
  /** The active rolling release; null when there is none, or the team's plan has no such feature. */
  rollingRelease(signal: AbortSignal): Promise<Rolling | null>
  /** Production deployments, newest first. */
  productionDeployments(signal: AbortSignal): Promise<Pages<Deployment>>
  readDeployment(id: string, signal: AbortSignal): Promise<OneDeployment | null>
  /** The end of a build's log, oldest line first. */
  buildLog(id: string, signal: AbortSignal): Promise<string[]>
  /** Domains that show production: no redirects, no branch's. */
  productionDomains(signal: AbortSignal): Promise<string[]>
  /** The deployment that a domain leads to. */
  deploymentOf(domain: string, signal: AbortSignal): Promise<string | null>
  /** Every name that leads to a deployment, without redirects. */
  aliasesOf(deployment: string, signal: AbortSignal): Promise<string[]>
  setAlias(alias: string, deployment: string, signal: AbortSignal): Promise<void>
  /** What the last job of this kind did not move; empty where Vercel does not say. */
  failedAliases(by: Action, signal: AbortSignal): Promise<string[]>
  /** Whether Vercel itself says that a domain's DNS does not point at it. */
  isMisdirected(domain: string, signal: AbortSignal): Promise<boolean>
  /** Of the token's owner in the project's team; null where there is no team, `unknown` where Vercel does not say. */
  membership(signal: AbortSignal): Promise<Membership | 'unknown' | null>
  /**
   * Moves production. `rollback` is the instant rollback, which also aborts a rolling release, with its reason; `promote` undoes one: it
   * also assigns domains to new deployments again.
   */
  move(by: Action, deployment: string, reason: string, signal: AbortSignal): Promise<Received>
}

export type Action = 'rollback' | 'promote'

/** @throws ConfigError when no token is there. */
export async function openVercel(name: ProjectName, { env, clock, mask, log }: TargetContext): Promise<Vercel> {
  const sources = tokenSources(env, clock)
  const token = await findToken(sources, mask)
  if (!token) throw noToken('Vercel', sources, await howToLogIn(env, clock))
  mask.add(env.VERCEL_AUTOMATION_BYPASS_SECRET)
  // Only the environment may name another address: a file of the repository must not choose where the token is sent.
  const api = (env.VERCEL_API_URL || 'https://api.vercel.com').replace(/(?<!\/)\/+$/, '')
  const http = openHttp({
    service: 'Vercel',
    base: api,
    authorization: `Bearer ${token.token}`,
    env,
    clock,
    mask,
    log,
    meaning: (said) => meaning(said, token.from)
  })
  const team = teamQuery(name)
  const project = encodeURIComponent(name.project)

  /** The body of the answer is not used: what Vercel did is read from the project afterwards. */
  const act = async (doing: string, path: string, reason: object, signal: AbortSignal): Promise<Received> => {
    try {
      const request = { doing, path, query: { ...team, ...reason }, method: 'POST', body: {}, signal } as const
      const { status } = await http.json({ ...request, decode: () => null, schema: z.null() })
      return status === 202 ? 'queued' : 'accepted'
    } catch (error) {
      if (statusOf(error) === 409) return 'refused'
      throw error
    }
  }

  let projectId: string | null = null
  /** What acts takes the id, where reading takes the name as well. */
  const idOf = async (signal: AbortSignal): Promise<string> => projectId ?? (await readProject(signal)).id

  const readProject = async (signal: AbortSignal): Promise<Project> => {
    const found = await http.find({
      doing: `Reading the project ${name.project}`,
      path: `/v9/projects/${project}`,
      // Without this Vercel leaves `lastAliasRequest` null, also after success.
      query: { ...team, rollbackInfo: true },
      schema: projectSchema,
      signal
    })
    if (found) {
      projectId = found.id
      return found
    }
    throw new TargetError({
      what: `Vercel has no project ${name.project}`,
      why: `the token from ${token.from} cannot see it${name.team ? ` in the team ${name.team}` : ' outside of teams'}`,
      next: 'Correct `project_id` and `team_id` in deploy.json, or use a token whose scope is that team.',
      code: 'no_project'
    })
  }

  /** Pages are cut by time: each names the one before which the next begins. */
  const allPages = async <Page extends { pagination?: { next?: number | null | undefined } | null | undefined }, Item>({
    query,
    itemsOf,
    ...request
  }: HttpRequest<Page> & { itemsOf(page: Page): Item[] }): Promise<Pages<Item>> => {
    const items: Item[] = []
    let until: number | undefined
    for (let count = 0; count < maxPages; count++) {
      const page = await http.read({ ...request, query: { ...team, ...query, limit: 100, until } })
      items.push(...itemsOf(page))
      until = page.pagination?.next ?? undefined
      if (until === undefined) return { items, more: false }
    }
    return { items, more: true }
  }

  return {
    ...name,
    api,
    readProject,
    async rollingRelease(signal) {
      const answer = await http
        .find({
          doing: `Reading the rolling release of ${name.project}`,
          path: `/v1/projects/${project}/rolling-release`,
          query: { ...team, state: 'ACTIVE' },
          schema: rollingReleaseSchema,
          signal
        })
        .catch((error: unknown) => {
          // Plans without this feature answer with a refusal.
          if ([400, 402, 403].includes(statusOf(error) ?? 0)) return null
          throw error
        })
      const rolling = answer?.rollingRelease
      if (rolling?.state !== 'ACTIVE' || !rolling.canaryDeployment) return null
      return {
        base: rolling.currentDeployment?.id ?? null,
        canary: rolling.canaryDeployment.id,
        percentage: rolling.activeStage?.targetPercentage ?? null
      }
    },
    async productionDeployments(signal) {
      const id = await idOf(signal)
      return allPages({
        doing: `Reading the deployments of ${name.project}`,
        path: '/v6/deployments',
        query: { projectId: id, target: 'production' },
        schema: deploymentsSchema,
        itemsOf: ({ deployments }) => deployments,
        signal
      })
    },
    readDeployment(id, signal) {
      const doing = `Reading the deployment ${id}`
      const path = `/v13/deployments/${encodeURIComponent(id)}`
      return http.find({ doing, path, query: team, schema: oneDeploymentSchema, signal })
    },
    async buildLog(id, signal) {
      const answer = await http.find({
        doing: `Reading the build log of ${id}`,
        path: `/v3/deployments/${encodeURIComponent(id)}/events`,
        query: { ...team, builds: 1, follow: 0, direction: 'backward', limit: eventsOfBuild },
        schema: buildEventsSchema,
        signal
      })
      const events = (answer ?? []).toReversed()
      return events.flatMap(({ text, payload }) => text ?? payload?.text ?? [])
    },
    async productionDomains(signal) {
      const { items } = await allPages({
        doing: `Reading the domains of ${name.project}`,
        path: `/v9/projects/${project}/domains`,
        query: { production: true },
        schema: domainsSchema,
        itemsOf: ({ domains }) => domains,
        signal
      })
      return items
        .filter(({ redirect, gitBranch, verified }) => !redirect && !gitBranch && verified !== false)
        .map(({ name: domain }) => domain)
        .filter((domain) => domainName.safeParse(domain).success)
    },
    async deploymentOf(domain, signal) {
      const doing = `Reading the alias ${domain}`
      const path = `/v4/aliases/${encodeURIComponent(domain)}`
      const answer = await http.find({ doing, path, query: team, schema: aliasSchema, signal })
      return answer?.deploymentId ?? null
    },
    async aliasesOf(id, signal) {
      const doing = `Reading the aliases of ${id}`
      const path = `/v2/deployments/${encodeURIComponent(id)}/aliases`
      const answer = await http.find({ doing, path, query: team, schema: aliasesSchema, signal })
      const found = (answer?.aliases ?? []).filter(({ redirect }) => !redirect).map(({ alias }) => alias)
      return found.filter((alias) => domainName.safeParse(alias).success)
    },
    async setAlias(alias, id, signal) {
      const doing = `Pointing ${alias} at ${id}`
      const path = `/v2/deployments/${encodeURIComponent(id)}/aliases`
      await http.json({ doing, path, query: team, method: 'POST', body: { alias }, schema: z.unknown(), signal })
    },
    async failedAliases(by, signal) {
      const doing = `Reading what was not moved of ${name.project}`
      const path = `/v9/projects/${await idOf(signal)}/${by}/aliases`
      const query = { ...team, failedOnly: true, limit: 20 }
      try {
        const answer = await http.find({ doing, path, query, schema: failedAliasesSchema, signal })
        return (answer?.aliases ?? []).map(({ alias }) => alias)
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof RollbackError) return []
        throw error
      }
    },
    async isMisdirected(domain, signal) {
      const doing = `Reading the configuration of ${domain}`
      const path = `/v6/domains/${encodeURIComponent(domain)}/config`
      try {
        const answer = await http.find({ doing, path, query: team, schema: domainConfigSchema, signal })
        return answer?.misconfigured === true
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof RollbackError) return false
        throw error
      }
    },
    async membership(signal) {
      if (!name.team) return null
      const doing = `Reading the team ${name.team}`
      const path = `/v2/teams/${encodeURIComponent(name.team)}`
      const answer = await http.find({ doing, path, schema: teamSchema, signal }).catch((error: unknown) => {
        if (statusOf(error) === 403) return null
        throw error
      })
      const membership = answer?.membership
      if (!membership?.role) return 'unknown'
      return { role: membership.role, permissions: membership.teamPermissions ?? null }
    },
    async move(by, deployment, reason, signal) {
      const id = await idOf(signal)
      return by === 'rollback'
        ? act(
            `Rolling back to ${deployment}`,
            `/v1/projects/${id}/rollback/${deployment}`,
            { description: reason },
            signal
          )
        : act(`Promoting ${deployment}`, `/v10/projects/${id}/promote/${deployment}`, {}, signal)
    }
  }
}

/** A team is named by its id, or by the name in its addresses. */
const teamQuery = ({ team }: ProjectName): Record<string, string> => {
  if (!team) return {}
  return team.startsWith('team_') ? { teamId: team } : { slug: team }
}

function meaning(said: Said, from: string): { why?: string; next?: string; code?: string } | undefined {
  if (said.status === 402)
    return {
      why: `the team's plan does not allow it: ${reasonOf(said)}`,
      next: 'On the Hobby plan only the previous production deployment can be rolled back to; choose that one, or upgrade.',
      code: 'plan_limit'
    }
  if (said.status === 403)
    return {
      why: `Vercel refuses the token from ${from}${reasonOf(said) ? ` (${reasonOf(said)})` : ''}: it has expired, was revoked, or may not do this`,
      next: 'If it comes from the login of the vercel program, renew that with `vercel whoami`. Otherwise create a token as an owner or member of the team at vercel.com/account/tokens and set VERCEL_TOKEN.'
    }
  return undefined
}
