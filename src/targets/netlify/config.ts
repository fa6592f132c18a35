import { z } from 'zod'
import { pageProbeSchema } from '../../http/probe.ts'

/** The id or the domain of a site. */
export const sitePattern = /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/

/** `targets.netlify.config` of deploy.json: popkit's `site_id`, and ours. */
export const netlifyConfigSchema = z.looseObject({
  site_id: z
    .string()
    .regex(sitePattern, 'is no site id or domain')
    .nullish()
    .describe('Id or domain of the site; default: NETLIFY_SITE_ID, then .netlify/state.json'),
  lock: z.boolean().nullish().describe('Stop auto publishing after a rollback, so that the next push does not undo it'),
  cancel_builds: z.boolean().nullish().describe('Cancel running production builds before a rollback; default false'),
  probe: pageProbeSchema.nullish()
})

export type NetlifyConfig = z.infer<typeof netlifyConfigSchema>

/** A version: a deploy's id, the beginning of its commit, or what deploy.json calls it. */
export const versionPattern = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/
