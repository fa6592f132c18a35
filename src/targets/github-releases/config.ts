import { z } from 'zod'

/** popkit's own four fields, and ours: `repository`, `api_url`, `failed_release`. Fields of others are kept. */
export const githubConfigSchema = z.looseObject({
  release_notes_source: z.string().nullish(),
  draft: z.boolean().nullish().describe('About publishing; not used by rollbacks'),
  prerelease: z.boolean().nullish().describe('About publishing; not used by rollbacks'),
  assets: z.unknown().optional().describe('Files that a release carries; their names are looked for in the releases'),
  repository: z.string().nullish().describe('owner/name, or the address of the repository; default: the git remote'),
  api_url: z.string().nullish().describe('Base address of the REST API of a GitHub Enterprise Server'),
  series: z
    .string()
    .max(200)
    .nullish()
    .describe(
      'What stands before the version in the tags, as @acme/core in @acme/core@1.1.0; default: that of the latest release'
    ),
  failed_release: z
    .enum(['prerelease', 'draft', 'keep'])
    .nullish()
    .describe('What the failed release becomes afterwards; keep changes nothing of it; default prerelease')
})

export type GitHubConfig = z.infer<typeof githubConfigSchema>

/** The names that `assets` of popkit asks for, as patterns of file names: "dist/*.tar.gz" asks for "*.tar.gz". */
export function expectedAssets(assets: unknown): string[] {
  if (!Array.isArray(assets)) return []
  return assets
    .filter((one): one is string => typeof one === 'string')
    .map((path) => path.split('#')[0]?.split(/[\\/]/).at(-1) ?? '')
    .filter((name) => name !== '' && !/^\*+$/.test(name))
}

/** Whether a file name fits a pattern of `*` and `?`. */
export function fits(pattern: string, name: string): boolean {
  const escaped = pattern.slice(0, 200).replace(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replace(/\*+/g, '.*').replace(/\?/g, '.')}$`).test(name)
}
