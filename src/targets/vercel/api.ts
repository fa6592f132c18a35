import { z } from 'zod'
import type { Said } from '../../http/answer.ts'
import { openHttp } from '../../http/client.ts'
import { findToken, noToken } from '../../http/credentials.ts'
import { reasonOf, statusOf } from '../../http/failure.ts'
import { RollbackError, TargetError } from '../../support/errors.ts'
import type { TargetContext } from '../target.ts'
import {
  aliasSchema,
  buildEventsSchema,
  type Deployment,
  deploymentsSchema,
  domainConfigSchema,
  domainsSchema,
  type OneDeployment,
  oneDeploymentSchema,
  type Project,
  projectSchema,
  rollingReleaseSchema,
  teamSchema
} from './shapes.ts'
import { manualCommandsOf, tokenSources } from './token.ts'

const mostPages = 5
const eventsOfBuild = 60

export interface Place {
  project: string
  team: string | null
}

/** A rolling release that is under way. */
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

/** How a request to move production was received; `queued` waits for a rolling release, `refused` met another change (409). */
export type Received = 'taken' | 'queued' | 'refused'

/** What this target asks of Vercel (vercel.com/docs/rest-api). */
export interface Vercel extends Place {
  readonly api: string
  readProject(signal: AbortSignal): Promise<Project>
  /** The rolling release that is under way; null when there is none, or the plan has no such thing. */
  rollingRelease(signal: AbortSignal): Promise<Rolling | null>
  /** Production deployments, newest first. */
  productionDeployments(signal: AbortSignal): Promise<{ items: Deployment[]; more: boolean }>
  readDeployment(id: string, signal: AbortSignal): Promise<OneDeployment | null>
  /** The end of a build's log, oldest line first. */
  buildLog(id: string, signal: AbortSignal): Promise<string[]>
  /** Domains that show production: no redirects, no branch's. */
  productionDomains(signal: AbortSignal): Promise<string[]>
  /** The deployment that a domain leads to. */
  deploymentOf(domain: string, signal: AbortSignal): Promise<string | null>
  /** Whether Vercel itself says that a domain's DNS does not lead to it. */
  isAstray(domain: string, signal: AbortSignal): Promise<boolean>
  /** Of the token's owner in the project's team; null where there is no team, `unknown` where it is not told. */
  membership(signal: AbortSignal): Promise<Membership | 'unknown' | null>
  /** Instant rollback; also aborts a rolling release. */
  rollBack(deployment: string, signal: AbortSignal): Promise<Received>
  /** Undoes a rollback: points production at a deployment and assigns domains to new ones again. */
  promote(deployment: string, signal: AbortSignal): Promise<Received>
}

/** @throws ConfigError when no token is there. */
export async function openVercel(place: Place, { env, clock, mask, log }: TargetContext): Promise<Vercel> {
  const sources = tokenSources(env, clock)
  const found = await findToken(sources, mask)
  if (!found) throw noToken('Vercel', sources, await manualCommandsOf(env, clock))
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
    meaning: (said) => meaning(said, found.from)
  })
  const team = place.team ? { teamId: place.team } : {}
  const project = encodeURIComponent(place.project)

  /** What the other side says to a request it has taken counts for nothing: only what it then does is the truth. */
  const act = async (doing: string, path: string, signal: AbortSignal): Promise<Received> => {
    try {
      const request = { doing, path, query: team, method: 'POST', body: {}, signal } as const
      const { status } = await http.json({ ...request, decode: () => null, schema: z.null() })
      return status === 202 ? 'queued' : 'taken'
    } catch (error) {
      if (statusOf(error) === 409) return 'refused'
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
    async rollingRelease(signal) {
      const answer = await http
        .found({
          doing: `Reading the rolling release of ${place.project}`,
          path: `/v1/projects/${project}/rolling-release`,
          query: { ...team, state: 'ACTIVE' },
          schema: rollingReleaseSchema,
          signal
        })
        .catch((error: unknown) => {
          // Plans without rolling releases refuse to speak of them.
          if ([400, 402, 403].includes(statusOf(error) ?? 0)) return null
          throw error
        })
      const rolling = answer?.body.rollingRelease
      if (rolling?.state !== 'ACTIVE' || !rolling.canaryDeployment) return null
      return {
        base: rolling.currentDeployment?.id ?? null,
        canary: rolling.canaryDeployment.id,
        percentage: rolling.activeStage?.targetPercentage ?? null
      }
    },
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
    async readDeployment(id, signal) {
      const doing = `Reading the deployment ${id}`
      const path = `/v13/deployments/${encodeURIComponent(id)}`
      const answer = await http.found({ doing, path, query: team, schema: oneDeploymentSchema, signal })
      return answer?.body ?? null
    },
    async buildLog(id, signal) {
      const answer = await http.found({
        doing: `Reading the build log of ${id}`,
        path: `/v3/deployments/${encodeURIComponent(id)}/events`,
        query: { ...team, builds: 1, follow: 0, direction: 'backward', limit: eventsOfBuild },
        schema: buildEventsSchema,
        signal
      })
      const events = (answer?.body ?? []).toReversed()
      return events.flatMap(({ text, payload }) => text ?? payload?.text ?? [])
    },
    async productionDomains(signal) {
      const doing = `Reading the domains of ${place.project}`
      const names: string[] = []
      let until: number | undefined
      for (let page = 0; page < mostPages; page++) {
        const query = { ...team, production: true, limit: 100, until }
        const path = `/v9/projects/${project}/domains`
        const { body } = await http.json({ doing, path, query, schema: domainsSchema, signal })
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
      const doing = `Reading the alias ${domain}`
      const path = `/v4/aliases/${encodeURIComponent(domain)}`
      const answer = await http.found({ doing, path, query: team, schema: aliasSchema, signal })
      return answer?.body.deploymentId ?? null
    },
    async isAstray(domain, signal) {
      const doing = `Reading the configuration of ${domain}`
      const path = `/v6/domains/${encodeURIComponent(domain)}/config`
      try {
        const answer = await http.found({ doing, path, query: team, schema: domainConfigSchema, signal })
        return answer?.body.misconfigured === true
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof RollbackError) return false
        throw error
      }
    },
    async membership(signal) {
      if (!place.team) return null
      const doing = `Reading the team ${place.team}`
      const path = `/v2/teams/${encodeURIComponent(place.team)}`
      const answer = await http.found({ doing, path, schema: teamSchema, signal }).catch((error: unknown) => {
        if (statusOf(error) === 403) return null
        throw error
      })
      const membership = answer?.body.membership
      if (!membership?.role) return 'unknown'
      return { role: membership.role, permissions: membership.teamPermissions ?? null }
    },
    rollBack: (deployment, signal) =>
      act(`Rolling back to ${deployment}`, `/v1/projects/${project}/rollback/${deployment}`, signal),
    promote: (deployment, signal) =>
      act(`Promoting ${deployment}`, `/v10/projects/${project}/promote/${deployment}`, signal)
  }
}

function meaning(said: Said, from: string): { why?: string; next?: string; code?: string } | undefined {
  if (said.status === 402)
    return {
      why: `the plan of the team does not allow it: ${reasonOf(said)}`,
      next: 'On the Hobby plan only the previous production deployment can be rolled back to; choose that one, or upgrade.',
      code: 'plan_limit'
    }
  if (said.status === 403)
    return {
      why: `Vercel refuses the token of ${from}${reasonOf(said) ? ` (${reasonOf(said)})` : ''}: it has expired, was revoked, or may not do this`,
      next: 'If it is the login of the vercel program, run `vercel whoami`, which renews it; else create a token of an owner or member of the team at vercel.com/account/tokens and set VERCEL_TOKEN.'
    }
  return undefined
}
