import { type Answer, type Asked, type FakeServer, fakeServer } from '../fake-server.ts'
import { type DomainAnswer, type Domains, domainsOf } from './domains.ts'

export interface FakeDeployment {
  uid: string
  name: string
  url: string
  created: number
  state: string
  target: string | null
  creator: { uid: string; username: string }
  meta: Record<string, string>
  isRollbackCandidate: boolean | null
  aliasAssigned: number | null
  /** What its pages say; no field of the API. */
  page: DomainAnswer
}

export interface FakeVercel extends Omit<FakeServer, 'url'> {
  env: Record<string, string>
  token: string
  projectId: string
  teamId: string
  deployments: FakeDeployment[]
  production(): string | null
  autoAssign(): boolean
  /** A finished production deployment; it takes the domains unless they are pinned. */
  deploy(commit: string, more?: Partial<FakeDeployment>): FakeDeployment
  /** How Vercel's job ends, and how long it takes. */
  job: { takesMs: number; ends: 'succeeded' | 'failed' | 'skipped' }
  /** Domains that stay where they were when a job ends. */
  stuckDomains: Set<string>
  plan: 'pro' | 'hobby'
  /** Of the token's owner in the team. */
  role: string
  /** Deployment Protection: whoever does not bring this secret is sent to log in. */
  bypassSecret: string | null
}

const day = 86_400_000
const domains = ['shop.example.test', 'www.example.test']

/** Vercel with one project in a team: keeps real state and answers as its REST API does. */
export async function fakeVercel(): Promise<FakeVercel> {
  const deployments: FakeDeployment[] = []
  const token = `vcp_${'t0k3n'.repeat(8)}`
  const projectId = 'prj_aB3dE5fG7hJ9'
  const teamId = 'team_aB3dE5fG7hJ9'
  const aliases = new Map<string, string>()
  let production: string | null = null
  let autoAssignCustomDomains = true
  let lastAliasRequest: Record<string, unknown> | null = null
  const fake = {
    job: { takesMs: 0, ends: 'succeeded' as FakeVercel['job']['ends'] },
    stuckDomains: new Set<string>(),
    plan: 'pro' as FakeVercel['plan'],
    role: 'MEMBER',
    bypassSecret: null as string | null
  }
  const find = (uid: string | undefined) => deployments.find((deployment) => deployment.uid === uid)
  const error = (status: number, code: string, message: string): Answer => ({
    status,
    body: { error: { code, message } }
  })
  const assign = (deployment: FakeDeployment): void => {
    production = deployment.uid
    for (const domain of domains) if (!fake.stuckDomains.has(domain)) aliases.set(domain, deployment.uid)
  }
  const start = (type: 'rollback' | 'promote', deployment: FakeDeployment): Answer => {
    lastAliasRequest = {
      type,
      jobStatus: 'pending',
      fromDeploymentId: production,
      toDeploymentId: deployment.uid,
      requestedAt: Date.now()
    }
    const request = lastAliasRequest
    const end = (): void => {
      request.jobStatus = fake.job.ends
      if (fake.job.ends !== 'succeeded') return
      assign(deployment)
      autoAssignCustomDomains = type === 'promote'
    }
    if (fake.job.takesMs > 0) {
      request.jobStatus = 'in-progress'
      setTimeout(end, fake.job.takesMs)
    } else end()
    return { status: 201, body: {} }
  }

  const act = (type: 'rollback' | 'promote', asked: Asked, uid: string | undefined): Answer => {
    if (asked.body !== '{}') server.wrong.push(`${asked.path}: the body is ${asked.body}`)
    const deployment = find(uid)
    if (!deployment) return error(404, 'not_found', 'Deployment not found')
    if (deployment.target !== 'production' || !deployment.aliasAssigned)
      return error(400, 'bad_request', 'Not a production deployment')
    if (production === uid) return error(409, 'conflict', 'Deployment is already the current production deployment')
    const earlier = deployments.filter((one) => one.aliasAssigned && one.uid !== production).at(-1)
    if (type === 'rollback' && fake.plan === 'hobby' && deployment !== earlier)
      return error(
        402,
        'upgrade_required',
        'To roll back further than the previous production deployment, upgrade to pro'
      )
    return start(type, deployment)
  }

  const pageOf = <Item>(
    items: Item[],
    { query }: Asked,
    timeOf: (item: Item) => number
  ): { items: Item[]; next: number | null } => {
    const until = Number(query.get('until') ?? Number.POSITIVE_INFINITY)
    const limit = Math.min(100, Number(query.get('limit') ?? 20))
    const older = items.filter((item) => timeOf(item) < until)
    const page = older.slice(0, limit)
    return { items: page, next: older.length > limit ? timeOf(page.at(-1) as Item) : null }
  }

  const server: FakeServer = await fakeServer((asked) => {
    if (asked.headers.authorization !== `Bearer ${token}`) return error(403, 'forbidden', 'Not authorized')
    const { method, path } = asked
    if (path === `/v2/teams/${teamId}` && method === 'GET')
      return { status: 200, body: { id: teamId, slug: 'shop', membership: { confirmed: true, role: fake.role } } }
    if (asked.query.get('teamId') !== teamId) return error(404, 'not_found', 'Project not found')
    if (path === `/v9/projects/${projectId}` && method === 'GET')
      return {
        status: 200,
        body: {
          id: projectId,
          name: 'shop',
          accountId: teamId,
          targets: { production: production ? { id: production } : null },
          autoAssignCustomDomains,
          lastAliasRequest,
          lastRollbackTarget: null
        }
      }
    if (path === `/v9/projects/${projectId}/domains` && method === 'GET')
      return {
        status: 200,
        body: {
          domains: [
            ...domains.map((name) => ({ name, redirect: null, gitBranch: null, verified: true })),
            { name: 'old.example.test', redirect: 'shop.example.test', gitBranch: null, verified: true },
            { name: 'preview.example.test', redirect: null, gitBranch: 'next', verified: true }
          ],
          pagination: { count: 4, next: null, prev: null }
        }
      }
    if (path === '/v6/deployments' && method === 'GET') {
      const wanted = deployments.filter(
        ({ target }) => !asked.query.get('target') || target === asked.query.get('target')
      )
      const newest = [...wanted].sort((a, b) => b.created - a.created)
      const { items, next } = pageOf(newest, asked, ({ created }) => created)
      return {
        status: 200,
        body: {
          deployments: items.map(({ page: _, ...shown }) => shown),
          pagination: { count: items.length, next, prev: null }
        }
      }
    }
    const alias = /^\/v4\/aliases\/([\w.-]+)$/.exec(path)?.[1]
    if (alias && method === 'GET') {
      const deploymentId = aliases.get(alias)
      return deploymentId
        ? { status: 200, body: { alias, deploymentId, uid: 'x' } }
        : error(404, 'not_found', 'Alias not found')
    }
    const moved = /^\/(?:v1|v10)\/projects\/(\w+)\/(rollback|promote)\/(\w+)$/.exec(path)
    if (moved && method === 'POST' && moved[1] === projectId)
      return act(moved[2] as 'rollback' | 'promote', asked, moved[3])
    server.wrong.push(`${method} ${path}: no such path`)
    return error(404, 'not_found', 'Not Found')
  })

  const web: Domains = await domainsOf(domains, (host, headers) => {
    if (fake.bypassSecret && headers['x-vercel-protection-bypass'] !== fake.bypassSecret)
      return { status: 302, text: '', headers: { location: `https://vercel.com/sso-api?url=https://${host}/` } }
    return find(aliases.get(host))?.page ?? { status: 404, text: 'DEPLOYMENT_NOT_FOUND' }
  })
  return Object.assign(fake, server, {
    env: { ...web.env, VERCEL_API_URL: server.url, VERCEL_TOKEN: token },
    token,
    projectId,
    teamId,
    deployments,
    production: () => production,
    autoAssign: () => autoAssignCustomDomains,
    async stop() {
      await Promise.all([server.stop(), web.stop()])
    },
    deploy(commit: string, more: Partial<FakeDeployment> = {}) {
      const created = Date.UTC(2026, 0, 1) + deployments.length * day
      const deployment: FakeDeployment = {
        uid: `dpl_${(deployments.length + 1).toString().padStart(8, '0')}aBcD`,
        name: 'shop',
        url: `shop-${deployments.length + 1}.vercel.app`,
        created,
        state: 'READY',
        target: 'production',
        creator: { uid: 'u1', username: 'ann' },
        meta: { githubCommitSha: commit, githubCommitMessage: `Change ${deployments.length + 1}` },
        isRollbackCandidate: true,
        aliasAssigned: null,
        page: { status: 200, text: commit },
        ...more
      }
      deployments.push(deployment)
      if (autoAssignCustomDomains && deployment.target === 'production' && deployment.state === 'READY') {
        deployment.aliasAssigned = created + 60_000
        assign(deployment)
      }
      return deployment
    }
  })
}
