import { createHash } from 'node:crypto'
import type { OpenApi } from '../openapi.ts'
import type { AssetState, GitHubState, ReleaseState, RunState, TokenState } from './state.ts'

/** How the state is shown: objects as the API describes them. */
export interface Views {
  repository(token: TokenState | null): unknown
  release(release: ReleaseState): unknown
  asset(release: ReleaseState, asset: AssetState): unknown
  tag(name: string, commit: string): unknown
  commit(sha: string, message: string): Record<string, unknown>
  run(run: RunState): unknown
}

export function viewsOf(state: GitHubState, document: OpenApi, web: string, api: string): Views {
  const home = (): string => `${api}/repos/${state.owner}/${state.name}`
  const user = (login: string): unknown => document.filled('simple-user', { login, id: 1, type: 'User' })
  const asset = (release: ReleaseState, one: AssetState): unknown =>
    document.filled('release-asset', {
      id: one.id,
      name: one.name,
      state: one.state,
      label: null,
      content_type: 'application/octet-stream',
      size: one.content.length,
      digest: `sha256:${createHash('sha256').update(one.content).digest('hex')}`,
      url: `${home()}/releases/assets/${one.id}`,
      browser_download_url: `${web}/${state.owner}/${state.name}/releases/download/${release.tag}/${one.name}`,
      created_at: release.createdAt,
      updated_at: release.createdAt,
      uploader: user('builder')
    })
  const commit = (sha: string, message: string): Record<string, unknown> =>
    document.filled('commit', {
      sha,
      url: `${home()}/commits/${sha}`,
      commit: {
        url: '',
        author: { name: 'Ada', email: 'ada@example.org', date: '2026-01-01T00:00:00Z' },
        committer: { name: 'Ada', email: 'ada@example.org', date: '2026-01-01T00:00:00Z' },
        message,
        comment_count: 0,
        tree: { sha, url: '' }
      },
      author: user('ada'),
      committer: user('ada'),
      parents: []
    })
  return {
    asset,
    commit,
    repository: (token) =>
      document.filled('full-repository', {
        id: 7,
        name: state.name,
        full_name: `${state.owner}/${state.name}`,
        private: state.private,
        archived: state.archived,
        default_branch: state.defaultBranch,
        html_url: `${web}/${state.owner}/${state.name}`,
        permissions: { admin: false, maintain: false, push: token?.push ?? false, triage: false, pull: true }
      }),
    release: (release) =>
      document.filled('release', {
        url: `${home()}/releases/${release.id}`,
        html_url: `${web}/${state.owner}/${state.name}/releases/tag/${release.draft ? `untagged-${release.id}` : release.tag}`,
        id: release.id,
        tag_name: release.tag,
        target_commitish: release.target,
        name: release.name,
        body: release.body,
        draft: release.draft,
        prerelease: release.prerelease,
        immutable: release.immutable,
        created_at: release.createdAt,
        published_at: release.publishedAt,
        author: user('builder'),
        assets: release.assets.map((one) => asset(release, one)),
        tarball_url: `${home()}/tarball/${release.tag}`,
        zipball_url: `${home()}/zipball/${release.tag}`
      }),
    tag: (name, sha) =>
      document.filled('tag', {
        name,
        commit: { sha, url: `${home()}/commits/${sha}` },
        zipball_url: '',
        tarball_url: ''
      }),
    run: (run) =>
      document.filled('workflow-run', {
        id: run.id,
        name: run.name,
        head_sha: run.sha,
        status: run.conclusion === null ? 'in_progress' : 'completed',
        conclusion: run.conclusion,
        event: 'push',
        html_url: `${web}/${state.owner}/${state.name}/actions/runs/${run.id}`,
        created_at: run.at,
        updated_at: run.at,
        run_number: 1
      })
  }
}
