import { createHash } from 'node:crypto'

export interface AssetState {
  id: number
  name: string
  content: Buffer
  state: 'uploaded' | 'open'
  /** The record is there, the bytes are gone. */
  lost?: boolean
}

export interface ReleaseState {
  id: number
  tag: string
  name: string | null
  body: string | null
  draft: boolean
  prerelease: boolean
  immutable: boolean
  createdAt: string
  publishedAt: string | null
  target: string
  assets: AssetState[]
}

export interface TokenState {
  value: string
  kind: 'classic' | 'fine-grained' | 'actions'
  /** Of a classic token. */
  scopes: string[]
  /** What a fine-grained or an Actions token may do with the contents. */
  contents: 'read' | 'write'
  /** Whether it may change what touches workflow files. */
  workflows: boolean
  /** Whether its user may push to the repository. */
  push: boolean
}

export interface RunState {
  id: number
  name: string
  conclusion: string | null
  sha: string
  at: string
}

/** One repository as GitHub keeps it. */
export interface GitHubState {
  owner: string
  name: string
  /** Names it had before. */
  formerly: string[]
  private: boolean
  archived: boolean
  /** Of a GitHub Enterprise Server: whoever is not logged in gets the login in place of any page. */
  privateMode: boolean
  defaultBranch: string
  /** Commit by tag. */
  tags: Map<string, string>
  /** Workflow files by commit, each with the hash of its content. */
  workflows: Map<string, Record<string, string>>
  releases: ReleaseState[]
  /** The release that was marked as the latest; none when GitHub itself decides. */
  latest: number | null
  runs: RunState[]
  tokens: TokenState[]
}

/** A commit hash that follows from a word. */
export const commitFor = (word: string): string => createHash('sha1').update(word).digest('hex')

/**
 * The latest release: the marked one as long as it is neither draft nor prerelease, else the most recent full release by created_at
 * (docs.github.com/rest/releases/releases, "Get the latest release").
 */
export function latestOf({ releases, latest }: GitHubState): ReleaseState | null {
  const full = releases.filter(({ draft, prerelease }) => !draft && !prerelease)
  return full.find(({ id }) => id === latest) ?? full.sort((a, b) => b.createdAt.localeCompare(a.createdAt))[0] ?? null
}

export interface NewRelease {
  prerelease?: boolean
  draft?: boolean
  immutable?: boolean
  body?: string | null
  /** Names of assets; each is filled with bytes of its own. */
  assets?: string[]
  commit?: string
  makeLatest?: boolean
}

let count = 1000

/** Publishes a release as a deployment does: the tag, the assets, and by default the mark of the latest. */
export function publish(state: GitHubState, tag: string, more: NewRelease = {}): ReleaseState {
  const { prerelease = false, draft = false, immutable = false, assets = ['app.tar.gz', 'checksums.txt'] } = more
  const id = ++count
  const at = new Date(Date.UTC(2026, 0, 1) + state.releases.length * 86_400_000).toISOString().replace('.000', '')
  const release: ReleaseState = {
    id,
    tag,
    name: `Release ${tag}`,
    body: more.body === undefined ? `What is new in ${tag}` : more.body,
    draft,
    prerelease,
    immutable,
    createdAt: at,
    publishedAt: draft ? null : at,
    target: state.defaultBranch,
    assets: assets.map((name) => ({
      id: ++count,
      name,
      content: Buffer.from(`${name} of ${tag}\n`.repeat(200)),
      state: 'uploaded'
    }))
  }
  state.tags.set(tag, more.commit ?? commitFor(tag))
  state.releases.push(release)
  if (!draft && !prerelease && more.makeLatest !== false) state.latest = id
  return release
}

/** What GitHub does to a release whose tag is deleted: it becomes a draft. */
export function deleteTag(state: GitHubState, tag: string): void {
  state.tags.delete(tag)
  for (const release of state.releases) if (release.tag === tag) release.draft = true
}

export const emptyRepository = (): GitHubState => ({
  owner: 'acme',
  name: 'app',
  formerly: [],
  private: false,
  archived: false,
  privateMode: false,
  defaultBranch: 'main',
  tags: new Map(),
  workflows: new Map(),
  releases: [],
  latest: null,
  runs: [],
  tokens: []
})

export function newToken(state: GitHubState, parts: Partial<TokenState> = {}): string {
  const kind = parts.kind ?? 'classic'
  const prefix = { classic: 'ghp_', 'fine-grained': 'github_pat_', actions: 'ghs_' }[kind]
  const value = `${prefix}${createHash('sha256').update(`${++count}`).digest('hex').slice(0, 36)}`
  state.tokens.push({
    value,
    kind,
    scopes: ['repo', 'workflow'],
    contents: 'write',
    workflows: true,
    push: true,
    ...parts
  })
  return value
}
