import { z } from 'zod'
import { deploymentRecordSchema } from '../model/deployment-record.ts'
import { frozenSchema } from '../model/frozen.ts'
import type { JsonObject } from '../model/json.ts'
import { notifySchema } from '../model/notify.ts'

/** One entry of deploy.json's `targets`. */
export const targetEntrySchema = z.looseObject({
  type: z.string().nullish().describe('What kind of place this is. Default: the name of the target.'),
  enabled: z.boolean().nullish().describe('Whether this target is deployed to. Default: true.'),
  primary: z.boolean().nullish().describe('The target to take when none is named.'),
  automatic: z
    .boolean()
    .nullish()
    .describe('Allows unattended rollbacks, once this file is committed. Default: false.'),
  signals: z
    .array(z.unknown())
    .nullish()
    .describe('Measured figures that say whether a version serves well: an error rate, a latency, an address.'),
  config: (z.record(z.string(), z.unknown()) as unknown as z.ZodType<JsonObject>)
    .nullish()
    .describe('Settings of the target; which ones depends on its type.')
})

/** `release_group`: how targets that were deployed together go back together. */
const releaseGroupSchema = z.looseObject({
  order: z
    .array(z.string())
    .nullish()
    .describe(
      'The targets in the order in which they go back. Default: what serves traffic, packages, release notes; each in the reverse order of its deployment.'
    ),
  on_failure: z
    .enum(['stop', 'continue', 'undo'])
    .nullish()
    .describe(
      'When one target fails: stop keeps what went back and leaves the rest, continue goes on with the rest, undo takes everything back. Default: stop.'
    )
})

/** The part of deploy.json that must hold for anything to work. History is read record by record, and tolerantly. */
export const deployHeaderSchema = z.looseObject({
  project_name: z.string().nullish().describe('What the project is called.'),
  targets: z.record(z.string(), targetEntrySchema).nullish().describe('The places that are deployed to, by name.'),
  release_group: releaseGroupSchema.nullish().describe('How targets that were deployed together go back together.'),
  /** Read entry by entry, as the history is. */
  frozen: z.unknown().optional(),
  notify: z.unknown().optional(),
  history: z.array(z.unknown()).nullish()
})

/** The whole of deploy.json, for editors. */
export const deployFileSchema = deployHeaderSchema.extend({
  version: z.string().optional().describe('Version of this format: "1.0".'),
  ci: z.looseObject({}).nullish().describe('How continuous integration deploys; not used here.'),
  notify: z.array(notifySchema).nullish().describe('Who is told when a rollback begins and ends.'),
  frozen: z.array(frozenSchema).nullish().describe('Versions that are not to be deployed again.'),
  history: z.array(deploymentRecordSchema).nullish().describe('Deployments and rollbacks, newest first.')
})

export type TargetEntry = z.infer<typeof targetEntrySchema>
