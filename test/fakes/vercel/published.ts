import { z } from 'zod'

/**
 * What of Vercel's published API (vercel.com/docs/rest-api) the fake speaks: the exact paths with their versions, what may be asked, and
 * the shape of each answer, written from its pages. Vercel's own client reads each answer as well (by-sdk.ts).
 */
export interface Published {
  method: 'GET' | 'POST'
  /** A name in braces stands for one part of the path. */
  path: string
  query: string[]
  answers: Record<number, z.ZodType>
}

const ms = z.number().int().positive()
const pagination = z.strictObject({ count: z.number().int(), next: ms.nullable(), prev: ms.nullable() })
const states = z.enum(['BUILDING', 'ERROR', 'INITIALIZING', 'QUEUED', 'READY', 'CANCELED', 'DELETED'])
const substates = z.enum(['STAGED', 'ROLLING', 'PROMOTED'])
const creator = z.strictObject({ uid: z.string(), username: z.string() })

const listed = z.strictObject({
  uid: z.string().startsWith('dpl_'),
  name: z.string(),
  projectId: z.string().startsWith('prj_'),
  url: z.string(),
  created: ms,
  createdAt: ms,
  source: z.enum(['git', 'cli', 'import', 'redeploy']),
  state: states,
  readyState: states,
  readySubstate: substates.optional(),
  type: z.literal('LAMBDAS'),
  creator,
  inspectorUrl: z.string().nullable(),
  meta: z.record(z.string(), z.string()),
  target: z.enum(['production', 'staging']).nullable(),
  aliasError: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  aliasAssigned: z.union([ms, z.boolean()]).nullable(),
  isRollbackCandidate: z.boolean().nullable(),
  expiration: ms.optional(),
  softDeletedByRetention: z.boolean().optional()
})

const one = z.strictObject({
  id: z.string().startsWith('dpl_'),
  name: z.string(),
  url: z.string(),
  createdAt: ms,
  readyState: states,
  readySubstate: substates.optional(),
  type: z.literal('LAMBDAS'),
  creator,
  meta: z.record(z.string(), z.string()),
  target: z.enum(['production', 'staging']).nullable(),
  aliasAssigned: z.boolean(),
  alias: z.array(z.string()).optional(),
  automaticAliases: z.array(z.string()).optional(),
  userAliases: z.array(z.string()).optional(),
  errorCode: z.string().optional(),
  errorMessage: z.string().nullable().optional()
})

const event = z.strictObject({
  type: z.enum(['command', 'stdout', 'stderr', 'exit', 'fatal', 'deployment-state']),
  created: ms,
  payload: z.strictObject({ deploymentId: z.string(), text: z.string(), id: z.string(), date: ms, serial: z.string() })
})

const aliasRequest = z.strictObject({
  fromDeploymentId: z.string().nullable(),
  toDeploymentId: z.string(),
  fromRollingReleaseId: z.string().optional(),
  jobStatus: z.enum(['pending', 'in-progress', 'succeeded', 'failed', 'skipped']),
  requestedAt: ms,
  type: z.enum(['promote', 'rollback'])
})

const project = z.strictObject({
  id: z.string().startsWith('prj_'),
  name: z.string(),
  accountId: z.string(),
  targets: z.strictObject({ production: z.strictObject({ id: z.string() }).nullable() }),
  autoAssignCustomDomains: z.boolean(),
  lastAliasRequest: aliasRequest.nullable(),
  microfrontends: z
    .strictObject({
      updatedAt: ms,
      groupIds: z.array(z.string()),
      enabled: z.boolean(),
      defaultRoute: z.string().optional()
    })
    .optional(),
  lastRollbackTarget: z.record(z.string(), z.unknown()).nullable()
})

const domain = z.strictObject({
  name: z.string(),
  apexName: z.string(),
  projectId: z.string(),
  redirect: z.string().nullable(),
  redirectStatusCode: z.union([z.literal(301), z.literal(302), z.literal(307), z.literal(308)]).nullable(),
  gitBranch: z.string().nullable(),
  verified: z.boolean()
})

const stage = z.strictObject({
  index: z.number().int(),
  isFinalStage: z.boolean(),
  targetPercentage: z.number(),
  requireApproval: z.boolean(),
  duration: z.number().nullable()
})
const rolled = z.strictObject({
  id: z.string(),
  name: z.string(),
  url: z.string(),
  target: z.literal('production'),
  source: z.literal('git'),
  createdAt: ms,
  readyState: states,
  readyStateAt: ms
})

const rollingRelease = z.strictObject({
  state: z.enum(['ACTIVE', 'COMPLETE', 'ABORTED']),
  substate: z.literal('PAUSED').nullable(),
  currentDeployment: rolled.nullable(),
  canaryDeployment: rolled.nullable(),
  queuedDeploymentId: z.string().nullable(),
  advancementType: z.enum(['automatic', 'manual-approval']),
  stages: z.array(stage),
  activeStage: stage.nullable(),
  nextStage: stage.nullable(),
  startedAt: ms,
  updatedAt: ms
})

const roles = z.enum([
  'OWNER',
  'MEMBER',
  'DEVELOPER',
  'SECURITY',
  'BILLING',
  'VIEWER',
  'VIEWER_FOR_PLUS',
  'CONTRIBUTOR'
])

const team = z.looseObject({
  id: z.string().startsWith('team_'),
  slug: z.string(),
  membership: z.strictObject({
    confirmed: z.literal(true),
    created: ms,
    createdAt: ms,
    role: roles,
    teamRoles: z.array(roles).optional(),
    teamPermissions: z.array(z.string()).optional()
  })
})

/** Every refusal has this shape; that of a token that is no good says so. */
export const refusal = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), invalidToken: z.boolean().optional() })
})

const ofTeam = ['teamId', 'slug']

const operations = {
  team: { method: 'GET', path: '/v2/teams/{teamId}', query: ['slug'], answers: { 200: team } },
  project: {
    method: 'GET',
    path: '/v9/projects/{idOrName}',
    query: [...ofTeam, 'rollbackInfo'],
    answers: { 200: project }
  },
  domains: {
    method: 'GET',
    path: '/v9/projects/{idOrName}/domains',
    query: [
      ...ofTeam,
      'production',
      'target',
      'gitBranch',
      'redirects',
      'verified',
      'limit',
      'since',
      'until',
      'order'
    ],
    answers: { 200: z.strictObject({ domains: z.array(domain), pagination }) }
  },
  domainConfig: {
    method: 'GET',
    path: '/v6/domains/{domain}/config',
    query: [...ofTeam, 'projectIdOrName', 'strict'],
    answers: {
      200: z.strictObject({
        configuredBy: z.enum(['CNAME', 'A', 'http', 'dns-01']).nullable(),
        acceptedChallenges: z.array(z.enum(['dns-01', 'http-01'])),
        misconfigured: z.boolean()
      })
    }
  },
  deployments: {
    method: 'GET',
    path: '/v6/deployments',
    query: [
      ...ofTeam,
      'app',
      'from',
      'limit',
      'projectId',
      'target',
      'to',
      'users',
      'since',
      'until',
      'state',
      'rollbackCandidate',
      'branch',
      'sha'
    ],
    answers: { 200: z.strictObject({ deployments: z.array(listed), pagination }) }
  },
  deployment: {
    method: 'GET',
    path: '/v13/deployments/{idOrUrl}',
    query: [...ofTeam, 'withGitRepoInfo'],
    answers: { 200: one }
  },
  events: {
    method: 'GET',
    path: '/v3/deployments/{idOrUrl}/events',
    query: [...ofTeam, 'direction', 'follow', 'limit', 'name', 'since', 'until', 'statusCode', 'delimiter', 'builds'],
    answers: { 200: z.array(event) }
  },
  alias: {
    method: 'GET',
    path: '/v4/aliases/{idOrAlias}',
    query: [...ofTeam, 'from', 'projectId', 'since', 'until'],
    answers: {
      200: z.strictObject({
        alias: z.string(),
        created: z.iso.datetime(),
        createdAt: ms,
        deploymentId: z.string().nullable(),
        projectId: z.string().nullable(),
        uid: z.string()
      })
    }
  },
  deploymentAliases: {
    method: 'GET',
    path: '/v2/deployments/{id}/aliases',
    query: ofTeam,
    answers: {
      200: z.strictObject({
        aliases: z.array(
          z.strictObject({
            uid: z.string(),
            alias: z.string(),
            created: z.iso.datetime(),
            redirect: z.string().nullable().optional()
          })
        )
      })
    }
  },
  assignAlias: {
    method: 'POST',
    path: '/v2/deployments/{id}/aliases',
    query: ofTeam,
    answers: {
      200: z.strictObject({
        uid: z.string(),
        alias: z.string(),
        created: z.iso.datetime(),
        oldDeploymentId: z.string().nullable().optional()
      })
    }
  },
  failedAliases: {
    method: 'GET',
    path: '/v9/projects/{projectId}/rollback/aliases',
    query: [...ofTeam, 'failedOnly', 'limit', 'until'],
    answers: {
      200: z.strictObject({
        aliases: z.array(
          z.strictObject({
            alias: z.strictObject({ alias: z.string(), deploymentId: z.string() }),
            id: z.string(),
            status: z.enum(['completed', 'in-progress', 'pending', 'failed'])
          })
        ),
        pagination
      })
    }
  },
  rollingRelease: {
    method: 'GET',
    path: '/v1/projects/{idOrName}/rolling-release',
    query: [...ofTeam, 'state'],
    answers: { 200: z.strictObject({ rollingRelease: rollingRelease.nullable() }) }
  },
  rollback: {
    method: 'POST',
    path: '/v1/projects/{projectId}/rollback/{deploymentId}',
    query: [...ofTeam, 'description'],
    answers: { 201: z.undefined() }
  },
  promote: {
    method: 'POST',
    path: '/v10/projects/{projectId}/promote/{deploymentId}',
    query: ofTeam,
    answers: { 201: z.undefined(), 202: z.undefined() }
  }
} satisfies Record<string, Published>

export type Operation = keyof typeof operations

export const published: Record<Operation, Published> = operations

/** The operation that a request means, with the parts of its path; null when none is published there. */
export function operationOf(method: string, path: string): { operation: Operation; parts: string[] } | null {
  for (const [operation, { method: own, path: template }] of Object.entries(published)) {
    const found = new RegExp(`^${template.replace(/\{\w+\}/g, '([^/]+)')}$`).exec(path)
    if (found && own === method)
      return { operation: operation as Operation, parts: found.slice(1).map((part) => decodeURIComponent(part)) }
  }
  return null
}
