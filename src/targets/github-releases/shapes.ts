import { z } from 'zod'

export const assetSchema = z.looseObject({
  id: z.number().int(),
  name: z.string(),
  /** `open` is an upload that never ended. */
  state: z.string(),
  size: z.number(),
  /** sha256:…; releases from before 2025 and older servers have none. */
  digest: z.string().nullish()
})

export const releaseSchema = z.looseObject({
  id: z.number().int(),
  tag_name: z.string(),
  name: z.string().nullish(),
  body: z.string().nullish(),
  draft: z.boolean(),
  prerelease: z.boolean(),
  immutable: z.boolean().optional().catch(undefined),
  created_at: z.string(),
  published_at: z.string().nullish(),
  author: z.looseObject({ login: z.string() }).nullish().catch(null),
  assets: z.array(assetSchema)
})

export const repositorySchema = z.looseObject({
  full_name: z.string(),
  private: z.boolean(),
  archived: z.boolean().optional(),
  default_branch: z.string(),
  permissions: z.looseObject({ push: z.boolean().optional() }).nullish()
})

export const tagSchema = z.looseObject({ name: z.string(), commit: z.looseObject({ sha: z.string() }) })

export const commitSchema = z.looseObject({
  sha: z.string(),
  commit: z.looseObject({
    message: z.string(),
    author: z.looseObject({ name: z.string().optional(), date: z.string().optional() }).nullish()
  })
})

export const comparisonSchema = z.looseObject({ total_commits: z.number(), commits: z.array(commitSchema) })

export const folderSchema = z.array(z.looseObject({ name: z.string(), sha: z.string() }))

export const runsSchema = z.looseObject({
  workflow_runs: z.array(
    z.looseObject({
      name: z.string().nullish(),
      conclusion: z.string().nullish(),
      html_url: z.string(),
      event: z.string().optional(),
      updated_at: z.string()
    })
  )
})

export type Asset = z.infer<typeof assetSchema>
export type GitHubRelease = z.infer<typeof releaseSchema>
export type GitHubRepository = z.infer<typeof repositorySchema>
