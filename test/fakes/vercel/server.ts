import { type Answer, type Asked, type FakeServer, fakeServer } from '../fake-server.ts'
import { refusedBySdk } from './by-sdk.ts'
import { type DomainAnswer, type Domains, domainsOf } from './domains.ts'
import { type Operation, operationOf, published, refusal } from './published.ts'
import { automatic, type FakeDeployment, listView, oneView, type Rolling, rollingView } from './views.ts'

export type { FakeDeployment } from './views.ts'

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
  /** What a person does on the dashboard. */
  manualCommands(type: 'rollback' | 'promote', deployment: FakeDeployment): void
  /** Begins a rolling release of a new deployment. */
  rollOut(commit: string, percentage: number, more?: Partial<FakeDeployment>): FakeDeployment
  rolling(): Rolling | null
  /** How Vercel's job ends, how long it takes, unless it goes on until something else is over, and how long nothing shows of it. */
  job: { takesMs: number; ends: 'succeeded' | 'failed' | 'skipped'; showsAfterMs: number; until?: Promise<void> }
  /** Whether a job is under way, shown or not. */
  busy(): boolean
  /** Domains that stay where they were when a job ends. */
  stuckDomains: Set<string>
  plan: 'pro' | 'hobby'
  /** Of the token's owner in the team; null when the team is not to be read. */
  role: string | null
  permissions: string[] | undefined
  /** Deployment Protection: whoever does not bring this secret is sent to log in. */
  bypassSecret: string | null
  /** What a domain shows, whatever is deployed. */
  pages: Map<string, DomainAnswer | 'hang up'>
  /** Production domains that no name server knows; Vercel knows that only of those that are also `misconfigured`. */
  deadDomains: string[]
  misconfigured: Set<string>
  /** Domains by the deployment that they lead to; `vercel alias set` is `set`. */
  aliases: Map<string, string>
  /** Aliases that Vercel refuses to assign. */
  lockedAliases: Set<string>
  microfrontend: boolean
  /** Promoting what was promoted once is refused. */
  promotesOnce: boolean
  /** The reason that each rollback gave. */
  reasons: string[]
}

const day = 86_400_000
const domains = ['shop.example.test', 'www.example.test']

/** Vercel with one project in a team: keeps real state and answers as its REST API does, word for word as it is published. */
export async function fakeVercel(): Promise<FakeVercel> {
  const deployments: FakeDeployment[] = []
  const token = `vcp_${'t0k3n'.repeat(8)}`
  const projectId = 'prj_aB3dE5fG7hJ9'
  const teamId = 'team_aB3dE5fG7hJ9'
  const aliases = new Map<string, string>()
  let production: string | null = null
  let autoAssignCustomDomains = true
  let lastAliasRequest: Record<string, unknown> | null = null
  let rolling: Rolling | null = null
  let jobs = 0
  const promoted = new Set<string>()
  const fake = {
    aliases,
    lockedAliases: new Set<string>(),
    microfrontend: false,
    promotesOnce: false,
    reasons: [] as string[],
    job: { takesMs: 0, ends: 'succeeded', showsAfterMs: 0 } as FakeVercel['job'],
    stuckDomains: new Set<string>(),
    plan: 'pro' as FakeVercel['plan'],
    role: 'MEMBER' as string | null,
    permissions: [] as string[] | undefined,
    bypassSecret: null as string | null,
    pages: new Map<string, DomainAnswer | 'hang up'>(),
    deadDomains: [] as string[],
    misconfigured: new Set<string>()
  }
  const find = (uid: string | undefined) => deployments.find((deployment) => deployment.uid === uid)
  const error = (status: number, code: string, message: string, more = {}): Answer => ({
    status,
    body: { error: { code, message, ...more } }
  })
  const assign = (deployment: FakeDeployment): void => {
    production = deployment.uid
    for (const domain of [...domains, ...fake.deadDomains])
      if (!fake.stuckDomains.has(domain)) aliases.set(domain, deployment.uid)
    aliases.set(automatic(deployment), deployment.uid)
  }
  const moved = (type: 'rollback' | 'promote', deployment: FakeDeployment): void => {
    assign(deployment)
    autoAssignCustomDomains = type === 'promote'
    if (rolling) rolling.canary.readySubstate = 'PROMOTED'
    rolling = null
  }
  const start = (type: 'rollback' | 'promote', deployment: FakeDeployment): void => {
    const { takesMs, ends, showsAfterMs, until } = fake.job
    const job = {
      type,
      jobStatus: takesMs > 0 || until ? 'in-progress' : 'pending',
      fromDeploymentId: production,
      toDeploymentId: deployment.uid,
      requestedAt: Date.now()
    }
    const show = (): void => {
      lastAliasRequest = job
    }
    const end = (): void => {
      jobs--
      show()
      job.jobStatus = ends
      if (ends === 'succeeded') moved(type, deployment)
    }
    jobs++
    if (showsAfterMs > 0) setTimeout(show, showsAfterMs)
    else show()
    if (until) void until.then(end)
    else if (takesMs + showsAfterMs > 0) setTimeout(end, takesMs + showsAfterMs)
    else end()
  }

  const act = (type: 'rollback' | 'promote', asked: Asked, [project, uid]: string[]): Answer => {
    if (asked.body !== '{}') server.wrong.push(`${asked.path}: the body is ${asked.body}`)
    const deployment = find(uid)
    if (project !== projectId || !deployment) return error(404, 'not_found', 'Deployment not found')
    if (deployment.target !== 'production' || deployment.state !== 'READY')
      return error(400, 'bad_request', 'Not a production deployment')
    if (jobs > 0) return error(409, 'conflict', 'Another alias request is in progress')
    if (type === 'promote' && rolling) return { status: 202 }
    if (type === 'promote' && fake.promotesOnce && promoted.has(deployment.uid))
      return error(409, 'conflict', 'Deployment was already promoted')
    if (type === 'rollback') fake.reasons.push(asked.query.get('description') ?? '')
    if (type === 'rollback' && !deployment.aliasAssigned) return error(400, 'bad_request', 'Never was production')
    if (production === uid && !rolling)
      return error(409, 'conflict', 'Deployment is already the current production deployment')
    const earlier = deployments.filter((one) => one.aliasAssigned && one.uid !== production).at(-1)
    if (type === 'rollback' && fake.plan === 'hobby' && deployment !== earlier)
      return error(
        402,
        'upgrade_required',
        'To roll back further than the previous production deployment, upgrade to pro'
      )
    start(type, deployment)
    return { status: 201 }
  }

  const pageOf = <Item>(items: Item[], { query }: Asked, timeOf: (item: Item) => number) => {
    const until = Number(query.get('until') ?? Number.POSITIVE_INFINITY)
    const limit = Math.min(100, Number(query.get('limit') ?? 20))
    const older = items.filter((item) => timeOf(item) < until)
    const page = older.slice(0, limit)
    const next = older.length > limit ? timeOf(page.at(-1) as Item) : null
    return { page, pagination: { count: page.length, next, prev: null } }
  }

  const domainView = (name: string, more = {}) => ({
    name,
    apexName: 'example.test',
    projectId,
    redirect: null,
    redirectStatusCode: null,
    gitBranch: null,
    verified: true,
    ...more
  })
  const ok = (body: unknown): Answer => ({ status: 200, body })
  const missing = (what: string): Answer => error(404, 'not_found', `${what} not found`)

  const answers: Record<Operation, (asked: Asked, parts: string[]) => Answer> = {
    team(_, [id]) {
      if (id !== teamId && id !== 'acme') return missing('Team')
      if (fake.role === null) return error(403, 'forbidden', 'Not authorized to access the team')
      const { role, permissions } = fake
      const membership = { confirmed: true, created: day, createdAt: day, role, teamRoles: [role] }
      return ok({
        id: teamId,
        slug: 'acme',
        membership: { ...membership, ...(permissions && { teamPermissions: permissions }) }
      })
    },
    project: ({ query }) =>
      ok({
        id: projectId,
        name: 'shop',
        accountId: teamId,
        targets: { production: production ? { id: production } : null },
        autoAssignCustomDomains,
        // Null without this parameter, even after success.
        lastAliasRequest: query.get('rollbackInfo') === 'true' ? lastAliasRequest : null,
        ...(fake.microfrontend && { microfrontends: { updatedAt: day, groupIds: ['mfe_1'], enabled: true } }),
        lastRollbackTarget: null
      }),
    domains(asked) {
      const all = [
        ...[...domains, ...fake.deadDomains].map((name) => domainView(name)),
        domainView('old.example.test', { redirect: 'shop.example.test', redirectStatusCode: 308 }),
        ...(asked.query.get('production') === 'true' ? [] : [domainView('next.example.test', { gitBranch: 'next' })])
      ]
      return ok({ domains: all, pagination: { count: all.length, next: null, prev: null } })
    },
    domainConfig: (_, [domain = '']) =>
      ok({
        configuredBy: fake.misconfigured.has(domain) ? null : 'CNAME',
        acceptedChallenges: [],
        misconfigured: fake.misconfigured.has(domain)
      }),
    deployments(asked) {
      const wanted = asked.query.get('target')
      const newest = deployments
        .filter(({ target }) => !wanted || target === wanted)
        .sort((a, b) => b.created - a.created)
      const { page, pagination } = pageOf(newest, asked, ({ created }) => created)
      return ok({ deployments: page.map((one) => listView(one, projectId)), pagination })
    },
    deployment(_, [uid]) {
      const one = find(uid)
      return one ? ok(oneView(one, domains)) : missing('Deployment')
    },
    events(asked, [uid]) {
      const log = find(uid)?.log
      if (!log) return missing('Deployment')
      const events = log.map((text, index) => ({
        type: 'stdout',
        created: day + index,
        payload: { deploymentId: uid, text, id: `e${index}`, date: day + index, serial: `e${index}` }
      }))
      const limit = Number(asked.query.get('limit') ?? events.length)
      return ok(asked.query.get('direction') === 'backward' ? events.reverse().slice(0, limit) : events.slice(0, limit))
    },
    alias(_, [alias = '']) {
      const deploymentId = aliases.get(alias)
      if (!deploymentId) return missing('Alias')
      return ok({
        alias,
        created: new Date(day).toISOString(),
        createdAt: day,
        deploymentId,
        projectId,
        uid: `a${alias}`
      })
    },
    deploymentAliases(_, [uid = '']) {
      if (!find(uid)) return missing('Deployment')
      const names = [...aliases].filter(([, to]) => to === uid).map(([alias]) => alias)
      return ok({ aliases: names.map((alias) => ({ uid: `a${alias}`, alias, created: new Date(day).toISOString() })) })
    },
    assignAlias({ body }, [uid = '']) {
      const { alias, ...more } = JSON.parse(body)
      if (typeof alias !== 'string' || Object.keys(more).length > 0) server.wrong.push(`assigning an alias: ${body}`)
      if (!find(uid)) return missing('Deployment')
      if (fake.lockedAliases.has(alias)) return error(403, 'forbidden', 'The alias belongs to another account')
      const oldDeploymentId = aliases.get(alias)
      aliases.set(alias, uid)
      const created = new Date(day).toISOString()
      return ok({ uid: `a${alias}`, alias, created, ...(oldDeploymentId && { oldDeploymentId }) })
    },
    failedAliases: () =>
      ok({
        aliases: [...fake.stuckDomains].map((alias) => ({
          alias: { alias, deploymentId: aliases.get(alias) ?? '' },
          id: `a${alias}`,
          status: 'failed'
        })),
        pagination: { count: fake.stuckDomains.size, next: null, prev: null }
      }),
    rollingRelease: () => ok({ rollingRelease: rolling && rollingView(rolling) }),
    rollback: (asked, parts) => act('rollback', asked, parts),
    promote: (asked, parts) => act('promote', asked, parts)
  }

  const server: FakeServer = await fakeServer((asked) => {
    if (asked.headers.authorization !== `Bearer ${token}`)
      return error(403, 'forbidden', 'Not authorized', { invalidToken: true })
    const { method, path, query } = asked
    const found = operationOf(method, path)
    if (!found) {
      server.wrong.push(`${method} ${path}: nothing is published there`)
      return error(404, 'not_found', 'Not Found')
    }
    const { operation, parts } = found
    for (const name of query.keys())
      if (!published[operation].query.includes(name)) server.wrong.push(`${method} ${path}: no parameter ${name}`)
    if (operation !== 'team' && query.get('teamId') !== teamId && query.get('slug') !== 'acme')
      return missing('Project')
    // Reading takes the id or the name, acting the id alone.
    const { path: template } = published[operation]
    const isOurs = parts[0] === projectId || (template.includes('{idOrName}') && parts[0] === 'shop')
    if (template.includes('/projects/') && !isOurs) return missing('Project')
    const answer = answers[operation](asked, parts)
    const shape = answer.status >= 400 ? refusal : published[operation].answers[answer.status]
    const verdict = shape?.safeParse(answer.body)
    if (!verdict?.success)
      server.wrong.push(
        `${method} ${path} answers ${answer.status} ${verdict?.error?.message ?? 'as nobody published'}`
      )
    const refused = answer.status < 400 ? refusedBySdk(operation, answer.body) : null
    if (refused) server.wrong.push(`${method} ${path}: Vercel's own client refuses the answer: ${refused}`)
    return answer
  })

  const web: Domains = await domainsOf(domains, (host, headers) => {
    const fixed = fake.pages.get(host)
    if (fixed) return fixed
    if (fake.bypassSecret && headers['x-vercel-protection-bypass'] !== fake.bypassSecret)
      return { status: 302, text: '', headers: { location: `https://vercel.com/sso-api?url=https://${host}/` } }
    return find(aliases.get(host))?.page ?? { status: 404, text: 'DEPLOYMENT_NOT_FOUND' }
  })

  const create = (commit: string, more: Partial<FakeDeployment>): FakeDeployment => {
    const number = deployments.length + 1
    const deployment: FakeDeployment = {
      uid: `dpl_${number.toString().padStart(8, '0')}aBcD`,
      name: 'shop',
      url: `shop-${number}.vercel.app`,
      created: Date.UTC(2026, 0, 1) + deployments.length * day,
      state: 'READY',
      readySubstate: 'STAGED',
      target: 'production',
      creator: { uid: 'u1', username: 'ann' },
      meta: { githubCommitSha: commit, githubCommitMessage: `Change ${number}` },
      isRollbackCandidate: true,
      aliasAssigned: null,
      page: { status: 200, text: commit },
      log: [],
      ...more
    }
    deployments.push(deployment)
    return deployment
  }
  const give = (deployment: FakeDeployment): void => {
    deployment.aliasAssigned = deployment.created + 60_000
    deployment.readySubstate = 'PROMOTED'
    promoted.add(deployment.uid)
    assign(deployment)
  }

  return Object.assign(fake, server, {
    env: { ...web.env, VERCEL_API_URL: server.url, VERCEL_TOKEN: token },
    token,
    projectId,
    teamId,
    deployments,
    production: () => production,
    autoAssign: () => autoAssignCustomDomains,
    rolling: () => rolling,
    busy: () => jobs > 0,
    async stop() {
      await Promise.all([server.stop(), web.stop()])
    },
    deploy(commit: string, more: Partial<FakeDeployment> = {}) {
      const deployment = create(commit, more)
      const fits = deployment.target === 'production' && deployment.state === 'READY'
      if (autoAssignCustomDomains && fits && more.readySubstate === undefined) give(deployment)
      return deployment
    },
    manualCommands(type: 'rollback' | 'promote', deployment: FakeDeployment) {
      if (type === 'promote' && !deployment.aliasAssigned) give(deployment)
      moved(type, deployment)
    },
    rollOut(commit: string, percentage: number, more: Partial<FakeDeployment> = {}) {
      const canary = create(commit, { readySubstate: 'ROLLING', ...more })
      canary.aliasAssigned = canary.created + 60_000
      rolling = { base: find(production ?? undefined) ?? canary, canary, percentage }
      return canary
    }
  })
}
