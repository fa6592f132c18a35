import { z } from 'zod'
import { headerOf, type Said } from '../../http/answer.ts'
import { type Http, type HttpRequest, openHttp } from '../../http/client.ts'
import { type Downloaded, tryDownload } from '../../http/download.ts'
import { reasonOf } from '../../http/failure.ts'
import { allPages, type Pages } from '../../http/pages.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Clock } from '../../support/clock.ts'
import { TargetError } from '../../support/errors.ts'
import type { Logger } from '../../support/log.ts'
import type { Mask } from '../../support/mask.ts'
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
  /** owner/name as GitHub calls it now. */
  readonly name: string
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
  /** Where the page for the latest release of a repository leads whoever is not logged in. */
  latestPage(fullName: string, signal: AbortSignal): Promise<LatestPage>
}

/** `closed` is a login in its place; `unclear` whatever else names no tag. */
export type LatestPage = { leads: 'tag'; tag: string } | { leads: 'closed' | 'unclear' }

export interface Surroundings {
  env: NodeJS.ProcessEnv
  clock: Clock
  mask: Mask
  log: Logger
}

export function openGitHub(settings: GitHubSettings, around: Surroundings): GitHub {
  const { api, web, owner, name, token } = settings
  const full = `${owner}/${name}`
  const home = `/repos/${full}`
  const authorization = token ? `Bearer ${token.token}` : undefined
  const http: Http = openHttp({
    service: 'GitHub',
    base: api,
    ...(authorization && { authorization }),
    headers: { accept: 'application/vnd.github+json', 'x-github-api-version': apiVersion },
    meaning: (said) => meaning(said, settings),
    ...around
  })
  const about = <T>(doing: string, path: string, schema: z.ZodType<T>, signal: AbortSignal): HttpRequest<T> => ({
    doing: `${doing} of ${full}`,
    path: `${home}${path}`,
    schema,
    signal
  })

  return {
    name: full,
    async repository(signal) {
      const { body, headers } = await http.json(about('Reading the settings', '', repositorySchema, signal))
      const scopes = headerOf(headers, 'x-oauth-scopes')
      return { repository: body, scopes: scopes === undefined ? null : scopes.split(',').map((scope) => scope.trim()) }
    },
    latest: async (signal) =>
      (await http.found(about('Reading the latest release', '/releases/latest', releaseSchema, signal)))?.body ?? null,
    releases: (signal) =>
      allPages(
        http,
        { ...about('Reading the releases', '/releases', z.array(releaseSchema), signal), query: { per_page: 100 } },
        maxPages
      ),
    release: async (id, signal) =>
      (await http.found(about('Reading a release', `/releases/${id}`, releaseSchema, signal)))?.body ?? null,
    // without its tag name, GitHub would take the tag from the release
    edit: async ({ id, tag_name }, change, state, signal) =>
      (
        await http.json({
          ...about(`Changing the release ${tag_name}`, `/releases/${id}`, releaseSchema, signal),
          method: 'PATCH',
          body: { tag_name, ...change },
          state
        })
      ).body,
    async tags(signal) {
      const request = { ...about('Reading the tags', '/tags', z.array(tagSchema), signal), query: { per_page: 100 } }
      const { items, more } = await allPages(http, request, maxPages)
      return { commits: new Map(items.map(({ name: tag, commit }) => [tag, commit.sha])), more }
    },
    async commitOfTag(tag, signal) {
      if (tag.split('/').some((part) => part === '.' || part === '..')) return null
      const path = `/commits/tags/${tag.split('/').map(encodeURIComponent).join('/')}`
      try {
        return (await http.found(about(`Reading the tag ${tag}`, path, commitSchema, signal)))?.body.sha ?? null
      } catch (error) {
        // "No commit found for SHA"
        if (error instanceof TargetError && error.code === 'refused') return null
        throw error
      }
    },
    async workflows(ref, signal) {
      const request = about('Reading the workflows', '/contents/.github/workflows', folderSchema, signal)
      const found = await http.found({ ...request, query: { ref } })
      return new Map((found?.body ?? []).map(({ name: file, sha }) => [file, sha]))
    },
    comparison: async (base, head, signal) =>
      (
        await http.json({
          ...about('Comparing two versions', `/compare/${base}...${head}`, comparisonSchema, signal),
          query: { per_page: 100 }
        })
      ).body,
    runs: async (commit, signal) =>
      (
        await http.json({
          ...about('Reading the workflow runs', '/actions/runs', runsSchema, signal),
          query: { head_sha: commit, per_page: 30 }
        })
      ).body.workflow_runs,
    download: ({ id }, signal, hashUpTo) =>
      tryDownload({
        url: `${api}${home}/releases/assets/${id}`,
        accept: 'application/octet-stream',
        ...(authorization && { authorization }),
        ...(hashUpTo !== undefined && { hashUpTo }),
        ...around,
        signal
      }),
    latestPage: (fullName, signal) => latestPage(`${web}/${fullName}`, around, signal)
  }
}

async function latestPage(home: string, { env, clock, mask }: Surroundings, signal: AbortSignal): Promise<LatestPage> {
  const page = await tryDownload({ url: `${home}/releases/latest`, onlyFirst: true, env, clock, mask, signal })
  if (page.state !== 'moved') return { leads: 'unclear' }
  const to = new URL(page.to)
  // a server in private mode, or a proxy before it, sends everybody to its login first
  if (to.origin !== new URL(home).origin || /\/(login|session|sso)(\/|$)/.test(to.pathname)) return { leads: 'closed' }
  const tag = /\/releases\/tag\/([^/]+(?:\/.+)?)$/.exec(to.pathname)?.[1]
  return tag === undefined ? { leads: 'unclear' } : { leads: 'tag', tag: decodeURIComponent(tag) }
}

/** What a refusal means at GitHub: it answers 404 to whoever has no right to know. */
function meaning(
  said: Said,
  { token, tokenPlaces, host }: GitHubSettings
): { why?: string; next?: string; code?: string } | undefined {
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
    return { next: `Check the name, and that the token from ${token?.from} may see the repository.` }
  if (said.status === 403) {
    const accepted = headerOf(said.headers, 'x-accepted-github-permissions')
    return {
      next: `Use a token with ${accepted ? `the permission ${accepted}` : 'write access to the contents'} of the repository; where workflow files of the release differ from the default branch, GitHub wants write access to workflows, too.`
    }
  }
  return undefined
}
