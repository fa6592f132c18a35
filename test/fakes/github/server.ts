import { readFileSync } from 'node:fs'
import { type Answer, type Asked, type FakeServer, fakeServer, pageOf } from '../fake-server.ts'
import { openApi } from '../openapi.ts'
import { editRelease, notFound, type ReleaseEdit, refusal } from './edit-release.ts'
import {
  type AssetState,
  emptyRepository,
  type GitHubState,
  latestOf,
  type ReleaseState,
  type TokenState
} from './state.ts'
import { type Views, viewsOf } from './views.ts'

const document = openApi(JSON.parse(readFileSync(new URL('openapi.json', import.meta.url), 'utf8')))

export interface FakeGitHub extends FakeServer {
  /** The base address of the REST API, as GitHub Enterprise Server has it. */
  api: string
  state: GitHubState
  /** Where the bytes of assets lie: another origin, which must never see a token. */
  storage: FakeServer
}

/**
 * A GitHub of one repository with real state. Its REST API is held against GitHub's own OpenAPI document, both what it is asked and
 * what it answers; beside it stand the web pages that users download from.
 */
export async function fakeGitHub(): Promise<FakeGitHub> {
  const state = emptyRepository()
  const storage = await fakeServer((asked) => stored(state, asked, storage))
  const server: FakeServer = await fakeServer((asked) =>
    asked.path.startsWith('/api/v3/') ? rest(asked) : webPage(state, asked, storage.url)
  )
  const api = `${server.url}/api/v3`
  const views = viewsOf(state, document, server.url, api)

  function rest(asked: Asked): Answer {
    const path = asked.path
      .slice('/api/v3'.length)
      .replace(/^\/repositories\/7(?=\/|$)/, `/repos/${state.owner}/${state.name}`)
    const moved = movedTo(state, asked, path, api)
    if (moved) return moved
    const found = document.find(asked.method, path)
    if (!found) {
      server.wrong.push(`${asked.method} ${path} is no operation that this server knows`)
      return notFound
    }
    const { owner, repo } = found.parameters
    const body = asked.body === '' ? undefined : JSON.parse(asked.body)
    server.wrong.push(...found.request(asked.query, body).map((line) => `${asked.method} ${path}: ${line}`))
    if (!asked.headers['user-agent']) return refusal(403, 'Request forbidden by administrative rules.')
    const token = tokenOf(state, asked)
    if (token === 'bad') return refusal(401, 'Bad credentials')
    if (owner !== state.owner || repo !== state.name || (state.private && !token)) return notFound
    const answer = answerTo(`${asked.method} ${found.template.replace('/repos/{owner}/{repo}', '')}`, {
      state,
      views,
      asked,
      api,
      token,
      body,
      parameters: found.parameters,
      storage: storage.url
    })
    if (answer.status !== 302)
      server.wrong.push(...found.answer(answer.status, answer.body).map((line) => `${asked.method} ${path}: ${line}`))
    return { ...answer, headers: { ...limits, ...scopesOf(token), ...answer.headers } }
  }

  return {
    ...server,
    fault: server.fault,
    api,
    state,
    storage,
    stop: async () => {
      await Promise.all([server.stop(), storage.stop()])
    }
  }
}

interface Question {
  state: GitHubState
  views: Views
  asked: Asked
  api: string
  token: TokenState | null
  body: unknown
  parameters: Record<string, string>
  storage: string
}

function answerTo(operation: string, question: Question): Answer {
  const { state, views, asked, api, token, body, parameters, storage } = question
  const origin = new URL(api).origin
  const listed = <Item>(items: readonly Item[], show: (item: Item) => unknown): Answer => {
    const page = pageOf(items, asked, origin)
    return { status: 200, headers: page.headers, body: page.items.map(show) }
  }
  const release = state.releases.find(({ id }) => String(id) === parameters.release_id)
  const visible = state.releases.filter(({ draft }) => !draft || token?.push)
  switch (operation) {
    case 'GET ':
      return { status: 200, body: views.repository(token) }
    case 'GET /tags':
      return listed([...state.tags].reverse(), ([name, sha]) => views.tag(name, sha))
    case 'GET /releases':
      return listed([...visible].reverse(), views.release)
    case 'GET /releases/latest': {
      const latest = latestOf(state)
      return latest ? { status: 200, body: views.release(latest) } : notFound
    }
    case 'GET /releases/{release_id}':
      return release && visible.includes(release) ? { status: 200, body: views.release(release) } : notFound
    case 'PATCH /releases/{release_id}': {
      if (!release) return notFound
      const no = editRelease(state, release, body as ReleaseEdit, token)
      return no ?? { status: 200, body: views.release(release) }
    }
    case 'GET /releases/assets/{asset_id}':
      return assetAnswer(question, storage)
    case 'GET /commits/{ref}': {
      const sha = commitOf(state, parameters.ref ?? '')
      return sha
        ? { status: 200, body: views.commit(sha, `Work on ${parameters.ref}`) }
        : refusal(422, `No commit found for SHA: ${parameters.ref}`)
    }
    case 'GET /contents/{path}': {
      const ref = asked.query.get('ref') ?? state.defaultBranch
      const files = state.workflows.get(commitOf(state, ref) ?? ref)
      return parameters.path === '.github/workflows' && files ? { status: 200, body: folder(files, api) } : notFound
    }
    case 'GET /compare/{basehead}':
      return comparison(question)
    default: {
      const runs = state.runs.filter(({ sha }) => sha === asked.query.get('head_sha'))
      return { status: 200, body: { total_count: runs.length, workflow_runs: runs.map(views.run) } }
    }
  }
}

const commitOf = (state: GitHubState, ref: string): string | undefined =>
  state.tags.get(ref.replace(/^(refs\/)?tags\//, '')) ?? [...state.tags.values()].find((sha) => sha === ref)

const folder = (files: Record<string, string>, api: string): unknown[] =>
  Object.entries(files).map(([name, sha]) =>
    document.filled('content-file', {
      type: 'file',
      name,
      path: `.github/workflows/${name}`,
      sha,
      size: 10,
      url: api,
      _links: { self: api, git: null, html: null }
    })
  )

function comparison({ state, views, parameters }: Question): Answer {
  const [base = '', head = ''] = (parameters.basehead ?? '').split('...')
  const [from, to] = [commitOf(state, base), commitOf(state, head)]
  if (!from || !to) return notFound
  const commits = [views.commit(to, 'Make it faster\n\nIn detail')]
  return {
    status: 200,
    body: document.filled('commit-comparison', {
      base_commit: views.commit(from, 'Base'),
      merge_base_commit: views.commit(from, 'Base'),
      status: 'ahead',
      ahead_by: 1,
      behind_by: 0,
      total_commits: 1,
      commits,
      files: []
    })
  }
}

function assetAnswer({ state, views, asked, parameters }: Question, storage: string): Answer {
  for (const release of state.releases) {
    const asset = release.assets.find(({ id }) => String(id) === parameters.asset_id)
    if (!asset) continue
    if (!/octet-stream/.test(asked.headers.accept ?? '')) return { status: 200, body: views.asset(release, asset) }
    return asset.state === 'open' ? notFound : { status: 302, headers: { location: bytesOf(asset, storage) } }
  }
  return notFound
}

const bytesOf = (asset: AssetState, storage: string): string => `${storage}/bytes/${asset.id}?signature=for-this-only`

/** What a browser, curl or an installer meets. */
function webPage(state: GitHubState, { path, method, headers }: Asked, storage: string): Answer {
  const home = `/${state.owner}/${state.name}/releases`
  if (method !== 'GET' && method !== 'HEAD') return { status: 405 }
  if (state.privateMode) {
    const back = encodeURIComponent(`http://${headers.host}${path}`)
    return { status: 302, headers: { location: `/login?return_to=${back}` } }
  }
  const former = state.formerly.find((name) => path.startsWith(`/${name}/`))
  if (former)
    return { status: 301, headers: { location: `/${state.owner}/${state.name}${path.slice(former.length + 1)}` } }
  if (state.private || !path.startsWith(home)) return { status: 404, headers: html, body: '<h1>404</h1>' }
  const rest = path.slice(home.length)
  const latest = latestOf(state)
  if (rest === '/latest')
    return { status: 302, headers: { location: latest ? `${home}/tag/${encodeURIComponent(latest.tag)}` : home } }
  const [, tag, file] = /^\/download\/([^/]+)\/([^/]+)$/.exec(rest) ?? []
  const release = state.releases.find((one) => one.tag === decodeURIComponent(tag ?? '') && !one.draft)
  const asset = release?.assets.find(({ name }) => name === decodeURIComponent(file ?? ''))
  return asset
    ? { status: 302, headers: { location: bytesOf(asset, storage) } }
    : { status: 404, headers: html, body: '<h1>404</h1>' }
}

const html = { 'content-type': 'text/html; charset=utf-8' }

/** Object storage with signed addresses: refuses a request that brings other credentials, as the real one does. */
function stored(state: GitHubState, { path, query, headers, method }: Asked, { wrong }: FakeServer): Answer {
  if (headers.authorization || headers.cookie) {
    wrong.push(`${path}: a credential was sent to the storage`)
    return { status: 400, body: '<Error><Code>InvalidArgument</Code></Error>' }
  }
  if (query.get('signature') !== 'for-this-only' || method !== 'GET')
    return { status: 403, body: '<Error><Code>SignatureDoesNotMatch</Code></Error>' }
  const asset = state.releases.flatMap(({ assets }: ReleaseState) => assets).find(({ id }) => path === `/bytes/${id}`)
  if (!asset || asset.lost) return { status: 404, body: '<Error><Code>BlobNotFound</Code></Error>' }
  const type = { 'content-type': 'application/octet-stream' }
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? []
  if (from === undefined) return { status: 200, headers: type, body: asset.content }
  const size = asset.content.length
  const until = Math.min(to ? Number(to) : size - 1, size - 1)
  return {
    status: 206,
    headers: { ...type, 'content-range': `bytes ${from}-${until}/${size}` },
    body: asset.content.subarray(Number(from), until + 1)
  }
}

function tokenOf(state: GitHubState, { headers }: Asked): TokenState | null | 'bad' {
  const [, value] = /^(?:bearer|token) (.+)$/i.exec(headers.authorization ?? '') ?? []
  if (value === undefined) return headers.authorization ? 'bad' : null
  return state.tokens.find((token) => token.value === value) ?? 'bad'
}

const scopesOf = (token: TokenState | null): Record<string, string> =>
  token?.kind === 'classic' ? { 'x-oauth-scopes': token.scopes.join(', ') } : {}

const limits = {
  'x-ratelimit-limit': '5000',
  'x-ratelimit-remaining': '4990',
  'x-ratelimit-reset': String(Math.floor(Date.UTC(2030, 0, 1) / 1000)),
  'x-github-media-type': 'github.v3; format=json'
}

/**
 * A renamed repository answers its old name with the way to the new one: 301 to whoever reads, 307 to whoever writes, so that a write is
 * repeated as it was (seen in 18F/charlie#85, VirtusLab/git-machete#1211).
 */
function movedTo(state: GitHubState, { method }: Asked, path: string, api: string): Answer | null {
  const [, owner, repo, rest] = /^\/repos\/([^/]+)\/([^/]+)(.*)$/.exec(path) ?? []
  if (owner === undefined || !state.formerly.includes(`${owner}/${repo}`)) return null
  const url = `${api}/repositories/7${rest}`
  const documentation_url = 'https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects'
  return {
    status: method === 'GET' ? 301 : 307,
    headers: { location: url },
    body: { message: 'Moved Permanently', url, documentation_url }
  }
}
