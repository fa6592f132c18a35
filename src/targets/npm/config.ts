import { z } from 'zod'

/** popkit's own fields, and ours: `package`, `deprecate`. Fields of others are kept. */
export const npmConfigSchema = z.looseObject({
  registry: z.string().nullish().describe('Registry to ask; wins over the npm configuration'),
  access: z.string().nullish(),
  tag: z.string().nullish().describe('The dist-tag that users install by; default latest'),
  dry_run: z.boolean().nullish(),
  package: z.string().nullish().describe('Name of the package, when package.json of the project does not say it'),
  deprecate: z
    .union([z.boolean(), z.literal('between')])
    .nullish()
    .describe(
      'Whether the failed version is deprecated afterwards; between: also those between it and the candidate; default true'
    )
})

export type NpmConfig = z.infer<typeof npmConfigSchema>
