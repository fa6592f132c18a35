import { z } from 'zod'
import { TargetError } from '../../support/errors.ts'
import { type HttpRequest, openHttp } from '../http/client.ts'
import { findToken, noToken } from '../http/credentials.ts'
import { reasonOf, type Said, statusOf } from '../http/failure.ts'
import type { TargetContext } from '../target.ts'
import {
  aliasSchema,
  type Deployment,
  deploymentsSchema,
  domainsSchema,
  type Project,
  projectSchema,
  teamSchema
} from './shapes.ts'
import { tokenSources } from './token.ts'

const mostPages = 5

export interface Place {
  project: string
  team: string | null
}

/** What this target asks of Vercel (vercel.com/docs/rest-api). */
export interface Vercel extends Place {
  readonly api: string
  readProject(signal: AbortSignal): Promise<Project>
  /** Production deployments, newest first. */
  productionDeployments(signal: AbortSignal): Promise<{ items: Deployment[]; more: boolean }>
  /** Domains that show production: no redirects, no branch's. */
  productionDomains(signal: AbortSignal): Promise<string[]>
  /** The deployment that a domain leads to. */
  deploymentOf(domain: string, signal: AbortSignal): Promise<string | null>
  /** The role of the token's owner in the project's team; null where there is no team, or it is not told. */
  roleInTeam(signal: AbortSignal): Promise<string | null>
  /** Instant rollback; true when it was the current one already. */
  rollBack(deployment: string, signal: AbortSignal): Promise<'taken' | 'already'>
  /** Undoes a rollback: points production at a deployment and assigns domains to new ones again. */
  promote(deployment: string, signal: AbortSignal): Promise<'taken' | 'already'>
  close(): Promise<void>
}

/** @throws ConfigError when no token is there. */
export async function openVercel(place: Place, { env, clock, mask, log }: TargetContext): Promise<Vercel> {
  const sources = tokenSources(env)
  const found = await findToken(sources, mask)
  if (!found) throw noToken('Vercel', sources, 'Create a token at vercel.com/account/tokens and set VERCEL_TOKEN.')
  mask.add(env.VERCEL_AUTOMATION_BYPASS_SECRET)
  // Only the environment may name another address: a file of the repository must not choose where the token is sent.
  const api = (env.VERCEL_API_URL || 'https://api.vercel.com').replace(/\/+$/, '')
  const http = openHttp({
    service: 'Vercel',
    base: api,
    authorization: `Bearer ${found.token}`,
    env,
    clock,
    mask,
    log,
    meaning
  })
  const team = place.team ? { teamId: place.team } : {}
  const project = encodeURIComponent(place.project)

  const act = async (
    request: Omit<HttpRequest<unknown>, 'schema' | 'method' | 'body'>
  ): Promise<'taken' | 'already'> => {
    try {
      await http.json({ ...request, method: 'POST', body: {}, query: team, schema: z.unknown() })
      return 'taken'
    } catch (error) {
      if (statusOf(error) === 409) return 'already'
      throw error
    }
  }

  const readProject = async (signal: AbortSignal): Promise<Project> => {
    const answer = await http.found({
      doing: `Reading the project ${place.project}`,
      path: `/v9/projects/${project}`,
      query: team,
      schema: projectSchema,
      signal
    })
    if (answer) return answer.body
    throw new TargetError({
      what: `Vercel knows no project ${place.project}`,
      why: `the login of ${found.from} does not see it${place.team ? ` in the team ${place.team}` : ' outside of teams'}`,
      next: 'Correct `project_id` and `team_id` in deploy.json, or use a token whose scope is that team.',
      code: 'no_project'
    })
  }

  return {
    ...place,
    api,
    readProject,
    async productionDeployments(signal) {
      const { id } = await readProject(signal)
      const items: Deployment[] = []
      let until: number | undefined
      for (let page = 0; page < mostPages; page++) {
        const query = { ...team, projectId: id, target: 'production', limit: 100, until }
        const doing = `Reading the deployments of ${place.project}`
        const { body } = await http.json({ doing, path: '/v6/deployments', query, schema: deploymentsSchema, signal })
        items.push(...body.deployments)
        until = body.pagination?.next ?? undefined
        if (until === undefined) return { items, more: false }
      }
      return { items, more: true }
    },
    async productionDomains(signal) {
      const doing = `Reading the domains of ${place.project}`
      const names: string[] = []
      let until: number | undefined
      for (let page = 0; page < mostPages; page++) {
        const query = { ...team, production: true, limit: 100, until }
        const { body } = await http.json({
          doing,
          path: `/v9/projects/${project}/domains`,
          query,
          schema: domainsSchema,
          signal
        })
        names.push(
          ...body.domains
            .filter(({ redirect, gitBranch, verified }) => !redirect && !gitBranch && verified !== false)
            .map(({ name }) => name)
        )
        until = body.pagination?.next ?? undefined
        if (until === undefined) break
      }
      return names.filter((name) => /^[a-z0-9*-]+(\.[a-z0-9-]+)+$/i.test(name))
    },
    async deploymentOf(domain, signal) {
      const path = `/v4/aliases/${encodeURIComponent(domain)}`
      const answer = await http.found({
        doing: `Reading the alias ${domain}`,
        path,
        query: team,
        schema: aliasSchema,
        signal
      })
      return answer?.body.deploymentId ?? null
    },
    async roleInTeam(signal) {
      if (!place.team) return null
      const path = `/v2/teams/${encodeURIComponent(place.team)}`
      const answer = await http
        .found({ doing: `Reading the team ${place.team}`, path, schema: teamSchema, signal })
        .catch((error: unknown) => {
          if (statusOf(error) === 403) return null
          throw error
        })
      return answer?.body.membership?.role ?? null
    },
    rollBack: (deployment, signal) =>
      act({ doing: `Rolling back to ${deployment}`, path: `/v1/projects/${project}/rollback/${deployment}`, signal }),
    promote: (deployment, signal) =>
      act({ doing: `Promoting ${deployment}`, path: `/v10/projects/${project}/promote/${deployment}`, signal }),
    close: () => http.close()
  }
}

function meaning(said: Said): { why?: string; next?: string; code?: string } | undefined {
  if (said.status === 402)
    return {
      why: `the plan of the team does not allow it: ${reasonOf(said)}`,
      next: 'On the Hobby plan only the previous production deployment can be rolled back to; choose that one, or upgrade.',
      code: 'plan_limit'
    }
  return undefined
}
