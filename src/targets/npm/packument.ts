import { z } from 'zod'

const personSchema = z.union([z.string(), z.looseObject({ name: z.string().optional() })])

/** One version as a registry describes it; tolerant, for registries differ. */
export const manifestSchema = z.looseObject({
  version: z.string().optional(),
  deprecated: z.union([z.string(), z.boolean()]).nullish().catch(undefined),
  dependencies: z.record(z.string(), z.unknown()).nullish().catch(undefined),
  gitHead: z.string().nullish().catch(undefined),
  dist: z
    .looseObject({
      tarball: z.string().optional(),
      integrity: z.string().nullish(),
      shasum: z.string().nullish(),
      fileCount: z.number().nullish().catch(undefined),
      unpackedSize: z.number().nullish().catch(undefined)
    })
    .optional()
    .catch(undefined),
  _npmUser: personSchema.nullish().catch(undefined)
})

/** All that a registry says of a package. */
export const packumentSchema = z.looseObject({
  name: z.string().optional(),
  'dist-tags': z.record(z.string(), z.string()).default({}),
  versions: z.record(z.string(), manifestSchema).default({}),
  time: z.record(z.string(), z.unknown()).default({}),
  maintainers: z.array(personSchema).optional().catch(undefined)
})

export const distTagsSchema = z.record(z.string(), z.unknown()).transform((tags) => {
  const versions: Record<string, string> = {}
  for (const [tag, version] of Object.entries(tags)) if (typeof version === 'string') versions[tag] = version
  return versions
})

export type Manifest = z.infer<typeof manifestSchema>
export type Packument = z.infer<typeof packumentSchema>
export type DistTags = Record<string, string>

/** The deprecation message, '' where there is none. Some registries say `true`, or `false`. */
export const deprecationOf = (manifest: Manifest | undefined): string =>
  manifest?.deprecated === true ? 'deprecated' : manifest?.deprecated || ''

/** The strongest digest that the registry recorded for the tarball. */
export const digestOf = (manifest: Manifest | undefined): string | null =>
  manifest?.dist?.integrity || (manifest?.dist?.shasum ? `sha1:${manifest.dist.shasum}` : null)

/** When a version was published, ISO 8601 UTC, where the registry says. */
export function publishedAt(packument: Packument, version: string): string | undefined {
  const stated = packument.time[version]
  const at = typeof stated === 'string' ? Date.parse(stated) : Number.NaN
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
}

export const personName = (person: z.infer<typeof personSchema> | null | undefined): string | undefined =>
  typeof person === 'string' ? person.split('<', 1)[0]?.trimEnd() : person?.name
