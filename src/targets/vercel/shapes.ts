import { z } from 'zod'

const text = z.string().nullish()

/** As steps name them. */
export const deploymentId = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/)
export const domainName = z.string().regex(/^[a-z0-9*-]+(\.[a-z0-9-]+)+$/i)

/** What each step names of the place that it was planned for. */
export const placeParams = { api: z.string(), project: z.string(), team: z.string().nullable() }

/** vercel.com/docs/rest-api/deployments/list-deployments */
export const deploymentSchema = z.looseObject({
  uid: z.string(),
  url: text,
  /** Milliseconds since 1970. */
  created: z.number(),
  state: text,
  readyState: text,
  /** Of a ready one: STAGED never saw production traffic, ROLLING sees a part of it, PROMOTED has seen it. */
  readySubstate: text,
  target: text,
  creator: z.looseObject({ username: text }).nullish(),
  meta: z.record(z.string(), z.unknown()).nullish(),
  isRollbackCandidate: z.boolean().nullish(),
  /** Until when the project's retention keeps it, in milliseconds, and whether it has removed it. */
  expiration: z.number().nullish(),
  softDeletedByRetention: z.boolean().nullish(),
  /** When production domains were given to it, in milliseconds; some answers say only that they were. */
  aliasAssigned: z.union([z.number(), z.boolean()]).nullish()
})

export const deploymentsSchema = z.looseObject({
  deployments: z.array(deploymentSchema),
  pagination: z.looseObject({ next: z.number().nullish() }).nullish()
})

const names = z.array(z.string()).nullish()

/** One deployment, told with other names than in the list (vercel.com/docs/rest-api/deployments/get-a-deployment-by-id-or-url). */
export const oneDeploymentSchema = z
  .looseObject({ id: z.string(), createdAt: z.number(), errorCode: text, errorMessage: text })
  .transform(({ id, createdAt, ...rest }) => ({ ...rest, uid: id, created: createdAt }))
  .pipe(
    deploymentSchema.extend({
      errorCode: text,
      errorMessage: text,
      alias: names,
      automaticAliases: names,
      userAliases: names
    })
  )

/** vercel.com/docs/rest-api/deployments/get-deployment-events: the text stands in the event, or in its payload. */
export const buildEventsSchema = z.array(
  z.looseObject({
    type: text,
    created: z.number().nullish(),
    text,
    payload: z.looseObject({ text }).nullish()
  })
)

const aliasRequestSchema = z.looseObject({
  type: z.string(),
  jobStatus: z.string(),
  toDeploymentId: z.string(),
  requestedAt: z.number().nullish()
})

export const projectSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  targets: z.looseObject({ production: z.looseObject({ id: z.string() }).nullish() }).nullish(),
  autoAssignCustomDomains: z.boolean().nullish(),
  lastAliasRequest: aliasRequestSchema.nullish(),
  microfrontends: z.looseObject({ enabled: z.boolean().nullish() }).nullish()
})

/** vercel.com/docs/rest-api/rolling-release/get-the-active-rolling-release-information-for-a-project */
export const rollingReleaseSchema = z.looseObject({
  rollingRelease: z
    .looseObject({
      state: z.string(),
      currentDeployment: z.looseObject({ id: z.string() }).nullish(),
      canaryDeployment: z.looseObject({ id: z.string() }).nullish(),
      activeStage: z.looseObject({ targetPercentage: z.number().nullish() }).nullish()
    })
    .nullish()
})

export const domainsSchema = z.looseObject({
  domains: z.array(
    z.looseObject({ name: z.string(), redirect: text, gitBranch: text, verified: z.boolean().nullish() })
  ),
  pagination: z.looseObject({ next: z.number().nullish() }).nullish()
})

/** vercel.com/docs/rest-api/domains/get-a-domains-configuration */
export const domainConfigSchema = z.looseObject({ misconfigured: z.boolean().nullish() })

export const aliasSchema = z.looseObject({ alias: z.string(), deploymentId: text })

/** vercel.com/docs/rest-api/aliases/list-deployment-aliases */
export const aliasesSchema = z.looseObject({ aliases: z.array(z.looseObject({ alias: z.string(), redirect: text })) })

/** Aliases that a job did not move; Vercel's own program reads an object where the documentation has a name. */
export const failedAliasesSchema = z.looseObject({
  aliases: z
    .array(
      z.looseObject({
        alias: z.union([z.string(), z.looseObject({ alias: z.string() }).transform(({ alias }) => alias)])
      })
    )
    .nullish()
})

/** vercel.com/docs/rest-api/teams/get-a-team */
export const teamSchema = z.looseObject({
  membership: z.looseObject({ role: text, teamPermissions: z.array(z.string()).nullish() }).nullish()
})

export type Deployment = z.infer<typeof deploymentSchema>
export type OneDeployment = z.infer<typeof oneDeploymentSchema>
export type Project = z.infer<typeof projectSchema>
export type AliasRequest = z.infer<typeof aliasRequestSchema>
