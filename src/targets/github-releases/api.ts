import { z } from 'zod'
import { headerOf, type Said } from '../../http/answer.ts'
import { type Http, type HttpContext, type HttpRequest, openHttp } from '../../http/client.ts'
import { type Downloaded, tryDownload } from '../../http/download.ts'
import { type Meaning, reasonOf } from '../../http/failure.ts'
import { allPages, type Pages } from '../../http/pages.ts'
import type { JsonObject } from '../../model/json.ts'
import { TargetError } from '../../support/errors.ts'
import type { GitHubSettings } from './settings.ts'
import {
  type Asset,
  commitSchema,
  comparisonSchema,
  folderSchema,
  type GitHubRelease,
  type GitHubRepository,
  releaseSchema,
  repositorySchema,
  runsSchema,
  tagSchema
} from './shapes.ts'

/** The version of the REST API that this program was written for (docs.github.com/rest/about-the-rest-api/api-versions). */
const apiVersion = '2022-11-28'
const maxPages = 10

/** The requests about one repository. */
export interface GitHub {
  /** owner/name, as the settings have it. */
  readonly name: string
  /** Base address of the API. */
  readonly api: string
  repository(signal: AbortSignal): Promise<{ repository: GitHubRepository; scopes: string[] | null }>
  /** null when no release is the latest. */
  latest(signal: AbortSignal): Promise<GitHubRelease | null>
  releases(signal: AbortSignal): Promise<Pages<GitHubRelease>>
  /** null when it was deleted. */
  release(id: number, signal: AbortSignal): Promise<GitHubRelease | null>
  edit(
    release: Pick<GitHubRelease, 'id' | 'tag_name'>,
    change: JsonObject,
    state: string,
    signal: AbortSignal
  ): Promise<GitHubRelease>
  /** Commits by tag. */
  tags(signal: AbortSignal): Promise<{ commits: Map<string, string>; more: boolean }>
  /** null when there is no such tag, or it points at no commit. */
  commitOfTag(tag: string, signal: AbortSignal): Promise<string | null>
  /** Hashes of the workflow files of a commit or branch, by name. */
  workflows(ref: string, signal: AbortSignal): Promise<Map<string, string>>
  comparison(base: string, head: string, signal: AbortSignal): Promise<z.infer<typeof comparisonSchema>>
  runs(commit: string, signal: AbortSignal): Promise<z.infer<typeof runsSchema>['workflow_runs']>
  download(asset: Asset, signal: AbortSignal, hashUpTo?: number): Promise<Downloaded>
  /** Where the page for the latest release of a repository leads a visitor who is not logged in. */
  latestPage(fullName: string, signal: AbortSignal): Promise<LatestPage>
}

/** `closed` leads to a login; `unclear` to anything else that names no tag. */
export type LatestPage = { leads: 'tag'; tag: string } | { leads: 'closed' | 'unclear' }

export function openGitHub(settings: GitHubSettings, context: HttpContext): GitHub {
  const { api, web, owner, name, token } = settings
  const full = `${owner}/${name}`
  const home = `/repos/${full}`
  const authorization = token ? `Bearer ${token.token}` : undefined
  const http: Http = openHttp({
    ...context,
    service: 'GitHub',
    base: api,
    ...(authorization && { authorization }),
    headers: { accept: 'application/vnd.github+json', 'x-github-api-version': apiVersion },
    meaning: (said) => meaning(said, settings)
  })
  const about = <T>(doing: string, path: string, schema: z.ZodType<T>, signal: AbortSignal): HttpRequest<T> => ({
    doing: `${doing} of ${full}`,
    path: `${home}${path}`,
    schema,
    signal
  })

  return {
    name: full,
    api,
    async repository(signal) {
      const { body, headers } = await http.json(about('Reading the settings', '', repositorySchema, signal))
      const scopes = headerOf(headers, 'x-oauth-scopes')
      return { repository: body, scopes: scopes === undefined ? null : scopes.split(',').map((scope) => scope.trim()) }
    },
    latest: (signal) => http.find(about('Reading the latest release', '/releases/latest', releaseSchema, signal)),
    releases: (signal) =>
      allPages(
        http,
        { ...about('Reading the releases', '/releases', z.array(releaseSchema), signal), query: { per_page: 100 } },
        maxPages
      ),
    release: (id, signal) => http.find(about('Reading a release', `/releases/${id}`, releaseSchema, signal)),
    // Without its tag name, GitHub would take the tag from the release.
    edit: ({ id, tag_name }, change, state, signal) =>
      http.read({
        ...about(`Changing the release ${tag_name}`, `/releases/${id}`, releaseSchema, signal),
        method: 'PATCH',
        body: { tag_name, ...change },
        state
      }),
    async tags(signal) {
      const request = { ...about('Reading the tags', '/tags', z.array(tagSchema), signal), query: { per_page: 100 } }
      const { items, more } = await allPages(http, request, maxPages)
      return { commits: new Map(items.map(({ name: tag, commit }) => [tag, commit.sha])), more }
    },
    async commitOfTag(tag, signal) {
      if (tag.split('/').some((part) => part === '.' || part === '..')) return null
      const path = `/commits/tags/${tag.split('/').map(encodeURIComponent).join('/')}`
      try {
        return (await http.find(about(`Reading the tag ${tag}`, path, commitSchema, signal)))?.sha ?? null
      } catch (error) {
        // "No commit found for SHA"
        if (error instanceof TargetError && error.code === 'refused') return null
        throw error
      }
    },
    async workflows(ref, signal) {
      const request = about('Reading the workflows', '/contents/.github/workflows', folderSchema, signal)
      const files = await http.find({ ...request, query: { ref } })
      return new Map((files ?? []).map(({ name: file, sha }) => [file, sha]))
    },
    comparison: (base, head, signal) =>
      http.read({
        ...about('Comparing two versions', `/compare/${base}...${head}`, comparisonSchema, signal),
        query: { per_page: 100 }
      }),
    async runs(commit, signal) {
      const request = about('Reading the workflow runs', '/actions/runs', runsSchema, signal)
      return (await http.read({ ...request, query: { head_sha: commit, per_page: 30 } })).workflow_runs
    },
    download: ({ id }, signal, hashUpTo) =>
      tryDownload({
        ...context,
        url: `${api}${home}/releases/assets/${id}`,
        accept: 'application/octet-stream',
        ...(authorization && { authorization }),
        ...(hashUpTo !== undefined && { hashUpTo }),
        signal
      }),
    latestPage: (fullName, signal) => latestPage(`${web}/${fullName}`, context, signal)
  }
}

async function latestPage(home: string, context: HttpContext, signal: AbortSignal): Promise<LatestPage> {
  const page = await tryDownload({ ...context, url: `${home}/releases/latest`, onlyFirst: true, signal })
  if (page.state !== 'moved') return { leads: 'unclear' }
  const to = new URL(page.to)
  // A server in private mode, or a proxy before it, sends every visitor to its login first.
  if (to.origin !== new URL(home).origin || /\/(login|session|sso)(\/|$)/.test(to.pathname)) return { leads: 'closed' }
  const [, ...parts] = to.pathname.split('/releases/tag/')
  const tag = parts.join('/releases/tag/')
  return !/^[^/]+(?:\/.+)?$/.test(tag) ? { leads: 'unclear' } : { leads: 'tag', tag: decodeURIComponent(tag) }
}

/** What a refusal means at GitHub, which answers 404 also where a right is missing. */
function meaning(said: Said, { token, tokenPlaces, host }: GitHubSettings): ReturnType<Meaning> {
  const reason = reasonOf(said)
  if (said.status === 401)
    return {
      why: token
        ? `GitHub does not accept the token from ${token.from}${reason ? ` (${reason})` : ''}`
        : 'GitHub asks for a login',
      next: token
        ? 'Renew the token, then try again.'
        : `Log in with gh auth login --hostname ${host}, or set a token in ${tokenPlaces.slice(0, -1).join(' or ')}.`
    }
  if (said.status === 404 && !token)
    return { next: `Check the name; for a private repository, log in with gh auth login --hostname ${host}.` }
  if (said.status === 404)
    return { next: `Check the name, and that the token from ${token?.from} can read the repository.` }
  if (said.status === 403) {
    const accepted = headerOf(said.headers, 'x-accepted-github-permissions')
    return {
      next: `Use a token with ${accepted ? `the permission ${accepted}` : 'write access to the contents'} of the repository. If workflow files of the release differ from the default branch, GitHub requires write access to workflows, too.`
    }
  }
  return undefined
}
