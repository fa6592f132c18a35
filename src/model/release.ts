import { z } from 'zod'

/** When a release served, as far as `source` knows. Times are ISO 8601 UTC. */
export const servedSchema = z.object({
  from: z.string().optional(),
  until: z.string().optional(),
  forMs: z.number().optional(),
  source: z.string()
})

/** One version of a target, with its exact identity and what the target itself knows of it. */
export const releaseSchema = z.object({
  /** What a person calls it: an image tag, an npm version, a release's tag. */
  version: z.string(),
  /** Exact identity, unique within the target: a digest, a revision, a deployment id. */
  id: z.string(),
  /** The target itself does not say which version it is: the name is a guess, such as a label, or its identity. */
  guessed: z.boolean().optional(),
  createdAt: z.string().optional(),
  commit: z.string().optional(),
  served: servedSchema.optional(),
  /** Whether the target can still go back to it; the reason is for people. */
  available: z.object({ state: z.enum(['yes', 'no', 'unknown']), reason: z.string().optional() }),
  /** Belongs to another line than ordinary releases (prerelease, preview deployment, draft). */
  prerelease: z.boolean().optional(),
  /** Why the target itself speaks against it: deprecated, never became available, rolled back from. */
  against: z.array(z.string()).optional(),
  /** When the target's own marks say it was rolled back from. */
  rolledBackAt: z.string().optional(),
  /** It is the release that serves, with the configuration that it had before: `until` is when the present one came. */
  earlierConfiguration: z.object({ until: z.string() }).optional(),
  /** Further facts for people, one line each. */
  notes: z.array(z.string()).optional(),
  /** What the target needs to plan with; opaque to everything else. Never a secret. */
  details: z.record(z.string(), z.json()).optional()
})

export type Served = z.infer<typeof servedSchema>
export type Release = z.infer<typeof releaseSchema>
