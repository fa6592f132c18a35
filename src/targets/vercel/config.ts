import { z } from 'zod'
import { pageProbeSchema } from '../../http/probe.ts'

const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'is no id or name of Vercel')

/** `targets.vercel.config` of deploy.json: popkit's own fields, and `probe`. */
export const vercelConfigSchema = z.looseObject({
  project_id: id
    .nullish()
    .describe('Id or name of the project; else .vercel/project.json or VERCEL_PROJECT_ID says it'),
  team_id: id.nullish().describe('Team that owns the project; else .vercel/project.json or VERCEL_ORG_ID says it'),
  production_branch: z.string().nullish(),
  probe: pageProbeSchema.nullish()
})

export type VercelConfig = z.infer<typeof vercelConfigSchema>

/** A version: a deployment's id or host name, the beginning of its commit, or what deploy.json calls it. */
export const versionPattern = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/
