import { type Headers, headerOf, type Said } from '../../http/answer.ts'
import { type HttpContext, openHttp } from '../../http/client.ts'
import { tryDownload } from '../../http/download.ts'
import { type Meaning, reasonOf } from '../../http/failure.ts'
import { type Effort, type Tried, tryFiles } from '../../http/try-files.ts'
import { parseOutsideJson } from '../../support/nesting.ts'
import type { PypiSettings } from './settings.ts'
import { type JsonProject, jsonSchema, simpleSchema } from './shapes.ts'
import { projectFromHtml } from './simple-html.ts'
import { groupVersions, type IndexFile, type Known } from './versions.ts'

/** The requests about one project of a package index. */
export interface PackageIndex {
  /** What installers see: every version with its files, from the Simple API. null when the index has no such project. */
  known(signal: AbortSignal): Promise<Known | null>
  /** What the JSON API says of the project, or of one release; null when it has none, or no such API. */
  json(version: string | null, signal: AbortSignal): Promise<JsonProject | null>
  /** Tries to download files. */
  tryFiles(files: readonly IndexFile[], effort: Effort, signal: AbortSignal): Promise<Tried>
}

const simpleTypes = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1'

export function openPackageIndex(settings: PypiSettings, context: HttpContext): PackageIndex {
  const { name, path, simple, warehouse, label, login } = settings
  const authorization = login?.authorization
  const common = {
    ...context,
    service: label,
    ...(authorization && { authorization }),
    meaning: (said: Said) => meaning(said, settings)
  }
  const simpleApi = openHttp({ ...common, base: simple })
  const jsonApi = warehouse ? openHttp({ ...common, base: `${warehouse}/pypi` }) : null
  const page = `${simple}/${path}/`
  return {
    async known(signal) {
      const project = await simpleApi.find({
        doing: `Reading the files of ${name}`,
        path: `/${path}/`,
        schema: simpleSchema,
        headers: { accept: simpleTypes },
        decode: (text, headers) => (isHtml(headers) ? projectFromHtml(text, page, name) : parseOutsideJson(text)),
        signal
      })
      return project && groupVersions(project, name, page)
    },
    async json(version, signal) {
      const below = version === null ? `/${path}/json` : `/${path}/${encodeURIComponent(version)}/json`
      const doing = `Reading ${name}${version === null ? '' : ` ${version}`}`
      return (await jsonApi?.find({ doing, path: below, schema: jsonSchema, signal })) ?? null
    },
    tryFiles: (files, effort, signal) =>
      tryFiles(
        files,
        ({ url }, hashUpTo) =>
          tryDownload({
            ...context,
            url,
            ...(authorization && new URL(url).origin === new URL(simple).origin && { authorization }),
            ...(hashUpTo !== undefined && { hashUpTo }),
            signal
          }),
        effort
      )
  }
}

const isHtml = (headers: Headers): boolean => /\bhtml\b/.test(headerOf(headers, 'content-type') ?? '')

/** What a refusal of an index means: which login was used, or where one can be given. */
function meaning(said: Said, { label, login, loginPlaces }: PypiSettings): ReturnType<Meaning> {
  if (said.status !== 401 && said.status !== 403) return undefined
  const reason = reasonOf(said)
  const after = reason ? ` (${reason})` : ''
  if (login)
    return {
      why: `${label} answered ${said.status} to the login from ${login.from}${after}`,
      next: said.status === 401 ? 'Renew that login, then try again.' : 'Use a login that can read the project.'
    }
  if (loginPlaces.length === 0) return undefined
  return {
    why: `${label} requires a login${after}, and none was found in ${loginPlaces.join(', ')}`,
    next: 'Set a login in one of these places, then try again.',
    code: 'not_logged_in'
  }
}
