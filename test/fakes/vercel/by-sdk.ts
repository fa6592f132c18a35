import { AssignAliasResponseBody$inboundSchema as assigned } from '@vercel/sdk/models/assignaliasop.js'
import { GetAliasResponseBody$inboundSchema as alias } from '@vercel/sdk/models/getaliasop.js'
import { GetDeploymentResponseBody3$inboundSchema as deployment3 } from '@vercel/sdk/models/getdeploymentgitsourcedeploymentsresponse200applicationjsonresponsebody215type.js'
import {
  GetDeploymentResponseBody1$inboundSchema as deployment1,
  GetDeploymentResponseBody2$inboundSchema as deployment2
} from '@vercel/sdk/models/getdeploymentresponsebody1.js'
import { GetDeploymentsResponseBody$inboundSchema as deployments } from '@vercel/sdk/models/getdeploymentsop.js'
import { GetDomainConfigResponseBody$inboundSchema as domainConfig } from '@vercel/sdk/models/getdomainconfigop.js'
import { GetProjectDomainsResponseBody1$inboundSchema as domains } from '@vercel/sdk/models/getprojectdomainsop.js'
import { GetProjectResponseBody$inboundSchema as project } from '@vercel/sdk/models/getprojectresponsebody.js'
import { GetRollingReleaseResponseBody$inboundSchema as rollingRelease } from '@vercel/sdk/models/getrollingreleaseop.js'
import { ListDeploymentAliasesResponseBody$inboundSchema as aliases } from '@vercel/sdk/models/listdeploymentaliasesop.js'
import { ListPromoteAliasesResponseBody2$inboundSchema as promoted } from '@vercel/sdk/models/listpromotealiasesop.js'
import type { ZodIssue, ZodTypeAny } from 'zod/v3'
import type { Operation } from './published.ts'

/** The schemas with which Vercel's own client reads these answers; one of several forms is enough. */
const forms: Partial<Record<Operation, ZodTypeAny[]>> = {
  project: [project],
  domains: [domains],
  domainConfig: [domainConfig],
  deployments: [deployments],
  deployment: [deployment1, deployment2, deployment3],
  alias: [alias],
  deploymentAliases: [aliases],
  assignAlias: [assigned],
  failedAliases: [promoted],
  rollingRelease: [rollingRelease]
}

/** What Vercel's own client would not understand of an answer; null where it understands all. A fake may leave fields out. */
export function refusedBySdk(operation: Operation, body: unknown): string | null {
  const faults = (forms[operation] ?? []).map((form) => misunderstood(form.safeParse(body).error?.issues ?? []))
  const [least] = faults.sort((a, b) => a.length - b.length)
  return least?.length ? least.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ') : null
}

/** The issues but for missing fields; of several forms of a value, those of the one that fits best. */
const misunderstood = (issues: readonly ZodIssue[]): ZodIssue[] =>
  issues.flatMap((issue) => {
    if (issue.code === 'invalid_type' && issue.received === 'undefined') return []
    if (issue.code !== 'invalid_union') return [issue]
    const each = issue.unionErrors.map(({ issues: inner }) => misunderstood(inner))
    return each.sort((a, b) => a.length - b.length)[0] ?? []
  })
