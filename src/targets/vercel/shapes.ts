import { z } from 'zod'

const text = z.string().nullish()

export const deploymentSchema = z.looseObject({
  uid: z.string(),
  url: text,
  /** Milliseconds since 1970. */
  created: z.number(),
  state: text,
  readyState: text,
  target: text,
  creator: z.looseObject({ username: text }).nullish(),
  meta: z.record(z.string(), z.unknown()).nullish(),
  isRollbackCandidate: z.boolean().nullish(),
  /** When production domains were given to it, in milliseconds; some answers say only that they were. */
  aliasAssigned: z.union([z.number(), z.boolean()]).nullish()
})

export const deploymentsSchema = z.looseObject({
  deployments: z.array(deploymentSchema),
  pagination: z.looseObject({ next: z.number().nullish() }).nullish()
})

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
  lastAliasRequest: aliasRequestSchema.nullish()
})

export const domainsSchema = z.looseObject({
  domains: z.array(
    z.looseObject({ name: z.string(), redirect: text, gitBranch: text, verified: z.boolean().nullish() })
  ),
  pagination: z.looseObject({ next: z.number().nullish() }).nullish()
})

export const aliasSchema = z.looseObject({ alias: z.string(), deploymentId: text })

/** vercel.com/docs/rest-api/teams/get-a-team */
export const teamSchema = z.looseObject({ membership: z.looseObject({ role: text }).nullish() })

export type Deployment = z.infer<typeof deploymentSchema>
export type Project = z.infer<typeof projectSchema>
