import { type Answer, type Asked, type FakeServer, fakeServer } from '../fake-server.ts'
import { jsonOf } from './json.ts'
import { wrongWith } from './shapes.ts'
import { newest, type PypiState, sha256, shown, type VersionState } from './state.ts'

export interface FakePypi extends FakeServer {
  /** Where twine would upload to, as `registry` of deploy.json may have it. */
  registry: string
  state: PypiState
  /** Where the files lie: another origin. */
  files: FakeServer
  /** The Simple API answers with the state as it is now until thawed, as a cache before it does. */
  freeze(frozen: boolean): void
  /** Answers with HTML alone, as many indexes of one's own do. */
  onlyHtml(only: boolean): void
  /** Asks for this login, as an index of one's own may. */
  login: { user: string; password: string } | null
}

/** A PyPI of one project with real state: the Simple API in its two forms, the JSON API, the files; pages that no program gets past. */
export async function fakePypi(name = 'Demo-Project'): Promise<FakePypi> {
  const state: PypiState = { name, versions: [], status: null, vulnerabilities: {} }
  let cached: PypiState | null = null
  let html = false
  const files: FakeServer = await fakeServer((asked) => fileAnswer(state, asked))
  const server: FakeServer = await fakeServer((asked) => {
    const refused = denied(asked, fake.login)
    if (refused) return refused
    server.wrong.push(...wrongWithRequest(asked))
    const [, kind, project = '', ...rest] = asked.path.split('/')
    if (asked.method !== 'GET' || kind === 'manage') return { status: 303, headers: { location: '/account/login/' } }
    const path = normalized(name)
    if (normalized(project) !== path) return notFound
    if (kind === 'simple') {
      if (project !== path || rest[0] !== '') return { status: 301, headers: { location: `/simple/${path}/` } }
      return simple(cached ?? state, asked, files.url, html, server.wrong)
    }
    if (kind !== 'pypi' || rest.at(-1) !== 'json') return notFound
    if (project !== path) return { status: 301, headers: { location: ['', kind, path, ...rest].join('/') } }
    return json(state, rest, server.url, files.url, server.wrong)
  })
  const fake: FakePypi = {
    ...server,
    registry: `${server.url}/legacy/`,
    state,
    files,
    login: null,
    freeze: (frozen) => {
      cached = frozen ? structuredClone(state) : null
    },
    onlyHtml: (only) => {
      html = only
    },
    stop: async () => {
      await Promise.all([server.stop(), files.stop()])
    }
  }
  return fake
}

const normalized = (text: string): string => text.replace(/[-_.]+/g, '-').toLowerCase()

const notFound: Answer = { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>404 Not Found</h1>' }

function denied({ headers }: Asked, login: FakePypi['login']): Answer | null {
  if (!login) return null
  const wanted = `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`
  return headers.authorization === wanted
    ? null
    : { status: 401, headers: { 'www-authenticate': 'Basic realm="index"' }, body: 'login required' }
}

function simple(state: PypiState, asked: Asked, origin: string, onlyHtml: boolean, wrong: string[]): Answer {
  const wanted = simpleType(asked.headers.accept ?? '*/*', onlyHtml)
  if (wanted === null) return { status: 406, body: 'Not Acceptable' }
  if (wanted !== jsonType) return simpleHtml(state, origin, wanted)
  const body = {
    meta: { 'api-version': '1.4', '_last-serial': 1 },
    'alternate-locations': [],
    name: normalized(state.name),
    versions: shown(state).map(({ version }) => version),
    'project-status': { status: state.status ?? 'active' },
    files: shown(state).flatMap((version) =>
      version.files.map((file) => ({
        filename: file.name,
        url: `${origin}/packages/${file.name}`,
        hashes: { sha256: sha256(file.content) },
        size: file.content.length,
        yanked: yankedOf(version),
        'upload-time': file.uploadedAt,
        'core-metadata': file.name.endsWith('.whl') && { sha256: sha256(Buffer.from(`METADATA of ${file.name}`)) },
        'data-dist-info-metadata': false,
        provenance: null,
        ...(file.requiresPython && { 'requires-python': file.requiresPython })
      }))
    )
  }
  wrong.push(...wrongWith('simple', body).map((line) => `the Simple API answers ${line}`))
  return {
    status: 200,
    headers: { 'content-type': jsonType },
    body: Buffer.from(JSON.stringify(body))
  }
}

const yankedOf = ({ yanked, reason }: VersionState): boolean | string => (yanked ? (reason ?? true) : false)

function simpleHtml(state: PypiState, origin: string, type: string): Answer {
  const escaped = (text: string): string =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
  const links = shown(state).flatMap((version) =>
    version.files.map((file) => {
      const python = file.requiresPython ? ` data-requires-python="${escaped(file.requiresPython)}"` : ''
      const yanked = version.yanked ? ` data-yanked="${escaped(version.reason ?? '')}"` : ''
      return `<a href="${origin}/packages/${file.name}#sha256=${sha256(file.content)}"${python}${yanked}>${file.name}</a><br/>`
    })
  )
  const body = `<!DOCTYPE html>\n<html><head><title>Links for ${state.name}</title></head><body>${links.join('\n')}</body></html>`
  return { status: 200, headers: { 'content-type': `${type}; charset=UTF-8` }, body }
}

const jsonType = 'application/vnd.pypi.simple.v1+json'
const htmlTypes = ['application/vnd.pypi.simple.v1+html', 'text/html']

/** Content negotiation of PEP 691: the best of what both have, HTML where the request does not say; null when there is none. */
function simpleType(accept: string, onlyHtml: boolean): string | null {
  const asked = accept.split(',').map((one) => {
    const [type = '', ...parameters] = one.trim().split(';')
    const q = parameters.map((parameter) => /^\s*q=([\d.]+)$/.exec(parameter)?.[1]).find(Boolean)
    return { type, quality: q === undefined ? 1 : Number(q) }
  })
  const offered = onlyHtml ? ['text/html'] : [jsonType, ...htmlTypes]
  const best = asked.sort((a, b) => b.quality - a.quality).find(({ type }) => type === '*/*' || offered.includes(type))
  return best ? (best.type === '*/*' ? 'text/html' : best.type) : null
}

/** The addresses that an index has (PEP 503, docs.pypi.org/api), none of which takes a query or a body; PyPI asks clients to name themselves. */
function wrongWithRequest({ method, path, query, headers, body }: Asked): string[] {
  const known = [/^\/simple\/[^/]+\/$/, /^\/pypi\/[^/]+\/json$/, /^\/pypi\/[^/]+\/[^/]+\/json$/]
  return [
    ...(known.some((pattern) => pattern.test(path)) ? [] : ['is no address that an index has']),
    ...(query.size > 0 ? [`has the query ${query}`] : []),
    ...(body === '' ? [] : ['has a body']),
    ...(headers['user-agent'] ? [] : ['does not say who asks'])
  ].map((line) => `${method} ${path} ${line}`)
}

function json(state: PypiState, rest: string[], pages: string, origin: string, wrong: string[]): Answer {
  const wanted = rest.length > 1 ? decodeURIComponent(rest[0] ?? '') : newest(state)?.version
  const found = state.versions.find(({ version, quarantined }) => version === wanted && !quarantined)
  if (!found || state.status === 'quarantined') return { status: 404, body: { message: 'Not Found' } }
  const body = jsonOf(state, found, pages, origin)
  wrong.push(...wrongWith('json', body).map((line) => `the JSON API answers ${line}`))
  return { status: 200, body }
}

function fileAnswer(state: PypiState, { path, headers }: Asked): Answer {
  const file = state.versions.flatMap(({ files }) => files).find(({ name }) => path === `/packages/${name}`)
  if (!file || file.lost) return { status: 404, body: 'Not Found' }
  if (headers.range === undefined) return { status: 200, body: file.content }
  const { length } = file.content
  return { status: 206, headers: { 'content-range': `bytes 0-0/${length}` }, body: file.content.subarray(0, 1) }
}
