import { z } from 'zod'

const text = z.string().nullish()

/** A project of the Simple API as JSON (PEP 691, with what PEP 592, 700 and 792 added). */
export const simpleSchema = z.looseObject({
  name: z.string(),
  files: z.array(
    z.looseObject({
      filename: z.string(),
      url: z.string(),
      hashes: z.record(z.string(), z.string()).optional(),
      'requires-python': text,
      yanked: z.union([z.boolean(), z.string()]).nullish(),
      size: z.number().nullish(),
      'upload-time': text
    })
  ),
  versions: z.array(z.string()).nullish(),
  'project-status': z.looseObject({ status: z.string().optional(), reason: text }).nullish()
})

/** A project or one release of PyPI's JSON API (docs.pypi.org/api/json). */
export const jsonSchema = z.looseObject({
  info: z.looseObject({
    name: z.string(),
    version: z.string(),
    yanked: z.boolean().nullish(),
    yanked_reason: text,
    requires_python: text,
    requires_dist: z.array(z.string()).nullish()
  }),
  vulnerabilities: z
    .array(z.looseObject({ id: z.string(), summary: text, withdrawn: text }))
    .nullish()
    .catch(null)
})

export type SimpleProject = z.infer<typeof simpleSchema>
export type JsonProject = z.infer<typeof jsonSchema>
