import { createRequire } from 'node:module'
import { type Answer, type Asked, type FakeServer, fakeServer, pageOf } from '../fake-server.ts'
import { openApi } from '../openapi.ts'
import { fromSwagger } from '../swagger.ts'

export interface FakeDeploy {
  id: string
  site_id: string
  state: string
  context: string
  branch: string
  commit_ref: string | null
  title: string
  created_at: string
  updated_at: string
  published_at: string | null
  error_message: string | null
  locked: boolean
  draft: boolean
  name: string
  url: string
  ssl_url: string
  deploy_url: string
  deploy_ssl_url: string
  /** What its pages say; no field of the API. */
  page: { status: number; text: string }
}

export interface FakeNetlify extends Omit<FakeServer, 'url'> {
  /** Where the API starts. */
  api: string
  token: string
  siteId: string
  deploys: FakeDeploy[]
  publishedId(): string | null
  /** A finished production deploy, published as a push publishes it. */
  deploy(commit: string, more?: Partial<FakeDeploy>): FakeDeploy
  /** How long Netlify takes until the site has a restored deploy. */
  restoreTakesMs: number
  /** Whether a restored deploy counts as published anew. */
  restoreMovesTime: boolean
  /** What a person does in the list of deploys. */
  restoreByHand(deploy: FakeDeploy): void
  /** Traffic that is split between branches. */
  splits: {
    id: string
    site_id: string
    name: string
    active: boolean
    branches: { branch: string; percentage: number }[]
  }[]
  /** Of the token's owner in the team that owns the site. */
  role: string
  /** What the site shows, whatever is published. */
  sitePage: FakeDeploy['page'] | undefined
}

/** Netlify's own API document. */
const document = openApi(fromSwagger(createRequire(import.meta.url)('@netlify/open-api')))
const team = 'shop-team'
const userId = '5f1e2d3c4b5a69788796a5b4'
let days = 0

/** Netlify with one site: keeps real state, answers as its API does, and holds each request and each answer against Netlify's own API document. */
export async function fakeNetlify(): Promise<FakeNetlify> {
  const deploys: FakeDeploy[] = []
  const token = `nfp_${'t0k3n'.repeat(8)}`
  const siteId = '3970e0fe-8564-4903-9a55-c5f8de49fb8b'
  let published: string | null = null
  let server: FakeServer
  const fake = {
    restoreTakesMs: 0,
    restoreMovesTime: true,
    splits: [] as FakeNetlify['splits'],
    role: 'Owner',
    sitePage: undefined as FakeNetlify['sitePage']
  }
  const find = (id: string | undefined) => deploys.find((deploy) => deploy.id === id)
  const view = ({ page: _, ...deploy }: FakeDeploy) => deploy
  const publish = (deploy: FakeDeploy): void => {
    const former = find(published ?? undefined)
    if (former && former !== deploy) former.state = 'old'
    published = deploy.id
    deploy.state = 'ready'
    if (deploy.published_at && !fake.restoreMovesTime) return
    deploy.published_at = new Date(Date.UTC(2026, 0, 1 + ++days)).toISOString()
  }

  const api = (asked: Asked): Answer => {
    const path = asked.path.replace('/api/v1', '')
    const at = `${asked.method} ${path}`
    const operation = document.find(asked.method, path)
    const body = asked.body === '' ? undefined : (JSON.parse(asked.body) as unknown)
    const say = (line: string): string => `${at}: ${line}`
    server.wrong.push(...(operation ? operation.request(asked.query, body) : ['nothing is published there']).map(say))
    const answer =
      asked.headers.authorization === `Bearer ${token}`
        ? answerTo(asked, path)
        : { status: 401, body: { code: 401, message: 'Access Denied' } }
    server.wrong.push(...(operation?.answer(answer.status, answer.body) ?? []).map(say))
    return answer
  }

  const answerTo = (asked: Asked, path: string): Answer => {
    const [, kind, id, verb, deployId, action] = path.split('/')
    const notFound: Answer = { status: 404, body: { code: 404, message: 'Not Found' } }
    if (path === '/user') return { status: 200, body: { id: userId, email: 'ann@example.test' } }
    if (path === `/${team}/members`)
      return { status: 200, body: [{ id: userId, email: 'ann@example.test', role: fake.role }] }
    if (kind === 'sites') {
      if (id !== siteId) return notFound
      if (!verb && asked.method === 'GET') return { status: 200, body: site() }
      if (verb === 'deploys' && action === 'restore' && asked.method === 'POST') return restore(deployId)
      if (verb === 'traffic_splits' && !deployId && asked.method === 'GET') return { status: 200, body: fake.splits }
      if (verb === 'deploys' && !deployId && asked.method === 'GET') return list(asked)
      return notFound
    }
    const deploy = kind === 'deploys' ? find(id) : undefined
    if (!deploy) return notFound
    if (!verb && asked.method === 'GET') return { status: 200, body: view(deploy) }
    if (verb === 'cancel' && asked.method === 'POST') {
      if (['ready', 'old', 'error'].includes(deploy.state))
        return { status: 422, body: { code: 422, message: 'Deploy is not building' } }
      Object.assign(deploy, { state: 'error', error_message: 'Canceled build' })
      return { status: 201, body: view(deploy) }
    }
    if ((verb === 'lock' || verb === 'unlock') && asked.method === 'POST') {
      if (deploy.id !== published) return { status: 422, body: { code: 422, message: 'Deploy is not published' } }
      deploy.locked = verb === 'lock'
      return { status: 200, body: view(deploy) }
    }
    return notFound
  }

  const list = (asked: Asked): Answer => {
    const wanted = deploys.filter(({ context }) => asked.query.get('production') !== 'true' || context === 'production')
    const newest = [...wanted].sort((a, b) => b.created_at.localeCompare(a.created_at))
    const { items, headers } = pageOf(newest, asked, server.url)
    return { status: 200, headers, body: items.map(view) }
  }

  const restore = (deployId: string | undefined): Answer => {
    const deploy = find(deployId)
    if (!deploy) return { status: 404, body: { code: 404, message: 'Not Found' } }
    if (deploy.state !== 'ready' && deploy.state !== 'old')
      return { status: 422, body: { code: 422, message: 'Deploy is not ready' } }
    if (fake.restoreTakesMs > 0) setTimeout(() => publish(deploy), fake.restoreTakesMs)
    else publish(deploy)
    return { status: 201, body: view(deploy) }
  }

  const site = () => {
    const current = find(published ?? undefined)
    return {
      id: siteId,
      name: 'shop',
      url: `${server.url}/site/`,
      ssl_url: `${server.url}/site/`,
      custom_domain: null,
      account_slug: team,
      published_deploy: current ? view(current) : null
    }
  }

  server = await fakeServer((asked) => {
    if (asked.path.startsWith('/api/v1/')) return api(asked)
    const permalink = /^\/deploy\/(\w+)\/$/.exec(asked.path)?.[1]
    if (asked.path === '/site/' && fake.sitePage) return { status: fake.sitePage.status, body: fake.sitePage.text }
    const shown = find(permalink ?? (asked.path === '/site/' ? (published ?? undefined) : undefined))
    return shown
      ? { status: shown.page.status, headers: { 'content-type': 'text/html' }, body: shown.page.text }
      : { status: 404, body: 'Not Found' }
  })

  return Object.assign(fake, server, {
    api: `${server.url}/api/v1`,
    token,
    siteId,
    deploys,
    publishedId: () => published,
    restoreByHand: publish,
    deploy(commit: string, more: Partial<FakeDeploy> = {}) {
      const number = deploys.length + 1
      const id = number.toString(16).padStart(24, 'abcdef0123456789abcdef01')
      const deploy: FakeDeploy = {
        id,
        site_id: siteId,
        state: 'ready',
        context: 'production',
        branch: 'main',
        commit_ref: commit,
        title: `Release ${number}`,
        created_at: new Date(Date.UTC(2026, 0, number)).toISOString(),
        updated_at: new Date(Date.UTC(2026, 0, number)).toISOString(),
        published_at: null,
        error_message: null,
        locked: false,
        draft: false,
        name: 'shop',
        url: `${server.url}/site/`,
        ssl_url: `${server.url}/site/`,
        deploy_url: `${server.url}/deploy/${id}/`,
        deploy_ssl_url: `${server.url}/deploy/${id}/`,
        page: { status: 200, text: `<h1>${commit}</h1>` },
        ...more
      }
      deploys.push(deploy)
      const locked = find(published ?? undefined)?.locked
      if (deploy.context === 'production' && deploy.state === 'ready' && !deploy.draft && !locked) publish(deploy)
      return deploy
    }
  })
}
