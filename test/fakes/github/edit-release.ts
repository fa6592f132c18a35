import type { Answer } from '../fake-server.ts'
import type { GitHubState, ReleaseState, TokenState } from './state.ts'

export interface ReleaseEdit {
  tag_name?: string
  target_commitish?: string
  name?: string
  body?: string
  draft?: boolean
  prerelease?: boolean
  make_latest?: 'true' | 'false' | 'legacy'
}

/**
 * "Update a release", with what the documentation and reports say of it: rights, the workflow rule, what an immutable release keeps
 * (github/docs#45718), the tag that is lost when it is not sent, and no draft or prerelease as the latest. null when it was done.
 */
export function editRelease(
  state: GitHubState,
  release: ReleaseState,
  edit: ReleaseEdit,
  token: TokenState | null
): Answer | null {
  const no = refused(state, release, token)
  if (no) return no
  const tag = edit.tag_name ?? `untagged-${release.id}`
  const draft = edit.draft ?? release.draft
  const prerelease = edit.prerelease ?? release.prerelease
  if (release.immutable && (tag !== release.tag || draft !== release.draft))
    return invalid('tag_name', 'Cannot change an immutable release')
  if (edit.make_latest === 'true' && (draft || prerelease))
    return invalid('make_latest', 'Latest release cannot be draft or prerelease')
  const published = release.draft && !draft
  if (published && !state.tags.has(tag)) return invalid('tag_name', 'Published releases must have a valid tag')
  Object.assign(release, {
    tag,
    draft,
    prerelease,
    name: edit.name ?? release.name,
    body: edit.body ?? release.body,
    target: edit.target_commitish ?? release.target
  })
  const mark = edit.make_latest ?? (published ? 'true' : undefined)
  if (mark === 'true' && !draft && !prerelease) state.latest = release.id
  if (mark === 'false' && state.latest === release.id) state.latest = null
  if (mark === 'legacy') state.latest = null
  return null
}

function refused(state: GitHubState, release: ReleaseState, token: TokenState | null): Answer | null {
  if (!token) return refusal(401, 'Requires authentication')
  if (state.archived) return refusal(403, 'Repository was archived so is read-only.')
  const scope = token.scopes.includes('repo') || (!state.private && token.scopes.includes('public_repo'))
  if (token.kind === 'classic' && (!scope || !token.push)) return notFound
  if (token.kind !== 'classic' && token.contents !== 'write')
    return refusal(
      403,
      `Resource not accessible by ${token.kind === 'actions' ? 'integration' : 'personal access token'}`,
      { 'x-accepted-github-permissions': 'contents=write' }
    )
  const may = token.kind === 'classic' ? token.scopes.includes('workflow') : token.workflows
  if (may || !touchesWorkflows(state, release)) return null
  return token.kind === 'actions'
    ? refusal(403, 'Resource not accessible by integration', {
        'x-accepted-github-permissions': 'contents=write,workflows=write'
      })
    : notFound
}

/** "adds or modifies any file under .github/workflows/ relative to the repository's default branch" */
function touchesWorkflows(state: GitHubState, release: ReleaseState): boolean {
  const onDefault = state.workflows.get(state.defaultBranch) ?? {}
  const here = state.workflows.get(state.tags.get(release.tag) ?? '') ?? {}
  return Object.entries(here).some(([file, hash]) => onDefault[file] !== hash)
}

/** A refusal as GitHub words it. */
export const refusal = (status: number, message: string, headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) }
})

export const notFound = refusal(404, 'Not Found')

const invalid = (field: string, message: string): Answer => ({
  status: 422,
  body: {
    message: 'Validation Failed',
    errors: [{ resource: 'Release', code: 'custom', field, message }],
    status: '422'
  }
})
