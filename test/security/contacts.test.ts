import { execFileSync } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/model/json.ts'
import { startServer } from '../../testkit/built-server.ts'
import { historyRecord } from '../../testkit/history-record.ts'
import { testProject } from '../../testkit/project.ts'
import { type Answer, type Asked, type FakeServer, fakeServer } from '../fakes/fake-server.ts'
import { fakeGitHub } from '../fakes/github/server.ts'
import { newToken, publish } from '../fakes/github/state.ts'
import { fakeNetlify } from '../fakes/netlify/server.ts'
import { fakePypi } from '../fakes/pypi/server.ts'
import { upload } from '../fakes/pypi/state.ts'
import { fakeVercel } from '../fakes/vercel/server.ts'
import { type Recording, recording } from '../harness/recording.ts'
import { deployment, pod, replicaSet } from '../targets/kubernetes/fake-cluster.ts'
import { contactsIn } from './tables.ts'

/** What a target is run with. */
interface Scene {
  target: string
  config: JsonObject
  signals?: JsonObject[]
  versions?: { good: string; failed: string }
  env?: Record<string, string>
  /** Stand-ins by host. */
  routes: Record<string, string>
  /** What the address in angle brackets of the table is here. */
  named?: Record<string, string[]>
  programs?: Record<string, string>
  /** Files of the user's home, and of the project where they begin with `project/`. */
  files?(recorded: Recording): Record<string, string>
  /** Ends the stand-ins. */
  servers: Pick<FakeServer, 'stop'>[]
  /** Hosts that are asked without a proxy. */
  direct?(): string[]
}

const json = (body: unknown, status = 200): Answer => ({ status, body })
const page = () => fakeServer(() => ({ status: 200, headers: { 'content-type': 'text/html' }, body: 'hello' }))
const realGit = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()

const scenes: Record<string, () => Promise<Scene>> = {
  vercel: async () => {
    const [vercel, shop] = await Promise.all([fakeVercel(), page()])
    for (const commit of ['a', 'b', 'c']) vercel.deploy(commit.repeat(40))
    const { VERCEL_API_URL: api = '', https_proxy: _, no_proxy: __, NODE_EXTRA_CA_CERTS: ___, ...env } = vercel.env
    return {
      target: 'vercel',
      config: { project_id: vercel.projectId, team_id: vercel.teamId },
      env,
      routes: { 'api.vercel.com': api, 'shop.example.test': shop.url, 'www.example.test': shop.url },
      named: { '<production domain>': ['shop.example.test', 'www.example.test'] },
      servers: [vercel, shop]
    }
  },
  netlify: async () => {
    const netlify = await fakeNetlify()
    for (const commit of ['a', 'b', 'c']) netlify.deploy(commit.repeat(40))
    const { origin } = new URL(netlify.api)
    return {
      target: 'netlify',
      config: { site_id: netlify.siteId },
      env: { NETLIFY_AUTH_TOKEN: netlify.token },
      routes: {
        'api.netlify.com': origin,
        'shop.example.com': `${origin}/site`,
        'deploys.example.com': `${origin}/deploy`
      },
      named: { '<site>': ['shop.example.com', 'deploys.example.com'] },
      servers: [netlify]
    }
  },
  'github_releases with the login of gh': async () => {
    const github = await fakeGitHub()
    for (const tag of ['v1.0.0', 'v1.1.0', 'v1.2.0']) publish(github.state, tag)
    const token = newToken(github.state, {})
    return {
      target: 'github_releases',
      config: {},
      versions: { good: 'v1.1.0', failed: 'v1.2.0' },
      programs: { gh: `echo ${token}` },
      routes: {
        'api.github.com': github.api,
        'github.com': github.url,
        'objects.githubusercontent.com': github.storage.url
      },
      named: { '<asset store>': ['objects.githubusercontent.com'] },
      servers: [github]
    }
  },
  pypi: () => pypi({ package: 'Demo-Project' }, 'pypi.org'),
  'pypi at an index of one’s own': () =>
    pypi({ package: 'Demo-Project', registry: 'https://index.example.com/legacy/' }, 'index.example.com'),
  npm: () => npm('registry.npmjs.org'),
  'npm at a registry of one’s own': () => npm('registry.example.com'),
  kubernetes: async () => {
    const annotations = { 'meta.helm.sh/release-name': 'web', 'meta.helm.sh/release-namespace': 'shop' }
    const labels = { 'app.kubernetes.io/managed-by': 'Helm' }
    const web = deployment('web', { image: 'web:1.2.0' })
    const object = { ...web, metadata: { ...(web.metadata as JsonObject), annotations, labels } }
    const lists: Record<string, JsonObject[]> = {
      replicasets: [replicaSet('web', 1, 'web:1.1.0'), replicaSet('web', 2, 'web:1.2.0')],
      pods: [pod('web', 2, 'x')]
    }
    const cluster = await fakeServer(({ path }) => {
      if (path.endsWith('/deployments/web')) return json(object)
      const kind = path.split('/').at(-1) ?? ''
      return json({ metadata: { resourceVersion: '1' }, items: lists[kind] ?? [] })
    })
    const shop = await page()
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 't' } }
    return {
      target: 'kubernetes',
      config: { namespace: 'shop', workloads: ['deployment/web'], probe: { http: 'http://shop.example.com/health' } },
      programs: {
        'cluster-login': `echo '${JSON.stringify(credential)}'`,
        helm: 'case "$1" in version) echo v3.14.0;; *) exit 1;; esac'
      },
      routes: { 'cluster.example.com': cluster.url, 'shop.example.com': shop.url },
      named: {
        '<API server>': ['cluster.example.com'],
        '<probe>': ['shop.example.com'],
        '<login program>': ['cluster-login']
      },
      files: ({ certificate }) => ({
        '.kube/config': JSON.stringify({
          clusters: [
            { name: 'c', cluster: { server: 'https://cluster.example.com', 'certificate-authority': certificate } }
          ],
          users: [{ name: 'u', user: { exec: { apiVersion: credential.apiVersion, command: 'cluster-login' } } }],
          contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
          'current-context': 'x'
        })
      }),
      servers: [cluster, shop]
    }
  },
  docker: () => docker({ containers: true }),
  'docker without a container': () => docker({ containers: false }),
  'docker by ssh': async () => ({
    target: 'docker',
    config: { image_name: 'shop/web' },
    env: { DOCKER_HOST: 'ssh://engine.example.com' },
    programs: { ssh: 'exit 255' },
    routes: { 'unused.example.com': 'http://127.0.0.1:9' },
    servers: []
  })
}

async function pypi(config: JsonObject, host: string): Promise<Scene> {
  const fake = await fakePypi()
  const metrics = await page()
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) upload(fake.state, version)
  return {
    target: 'pypi',
    config,
    signals: [{ name: 'errors', prometheus: { url: 'http://metrics.example.com', query: 'errors' }, above: 1 }],
    routes: { [host]: fake.url, 'files.pythonhosted.org': fake.files.url, 'metrics.example.com': metrics.url },
    named: { '<index>': ['index.example.com'], '<signal>': ['metrics.example.com'] },
    servers: [fake, metrics]
  }
}

async function npm(host: string): Promise<Scene> {
  const versions = Object.fromEntries(
    ['1.1.0', '1.2.0'].map((version) => [
      version,
      { name: 'demo', version, dist: { tarball: `https://${host}/demo/-/demo-${version}.tgz`, integrity: 'sha512-x' } }
    ])
  )
  const time = { '1.1.0': '2026-03-10T09:00:00Z', '1.2.0': '2026-03-18T14:30:00Z' }
  const registry = await fakeServer(({ path }) => {
    if (path === '/-/package/demo/dist-tags') return json({ latest: '1.2.0' })
    if (path === '/demo') return json({ name: 'demo', 'dist-tags': { latest: '1.2.0' }, versions, time })
    return path.endsWith('.tgz') ? { status: 200, body: 'x' } : json({}, 404)
  })
  return {
    target: 'npm',
    config: { package: 'demo' },
    programs: { npm: 'exit 1' },
    routes: { [host]: registry.url },
    named: { '<registry>': ['registry.example.com'] },
    files: ({ env, certificate }) => ({
      '.npmrc': `registry=https://${host}/\nhttps-proxy=${env.https_proxy}\ncafile=${certificate}\n`,
      'project/package.json': '{"name":"demo","version":"1.2.0"}'
    }),
    servers: [registry]
  }
}

async function docker({ containers }: { containers: boolean }): Promise<Scene> {
  const engine = await fakeServer((asked) => answerOfEngine(asked, containers))
  const registry = await fakeServer(({ path, headers }) => {
    if (!headers.authorization) {
      const challenge = 'Bearer realm="https://auth.example.com/token",service="registry"'
      return { status: 401, headers: { 'www-authenticate': challenge } }
    }
    if (path.endsWith('/tags/list')) return json({ name: 'shop/web', tags: ['1.1.0', '1.2.0'] })
    return json({ errors: [{ code: 'MANIFEST_UNKNOWN' }] }, 404)
  })
  const [tokens, shop] = await Promise.all([fakeServer(() => json({ token: 'pull-token' })), page()])
  const login = JSON.stringify({ Username: 'ada', Secret: 'registry-word' })
  const project = { name: 'shop', services: { web: { image: 'registry.example.com/shop/web:1.2.0' } } }
  return {
    target: 'docker',
    config: {
      image_name: 'shop/web',
      registry: 'registry.example.com',
      probe: { http: 'http://shop.example.com/health' }
    },
    env: { DOCKER_HOST: `tcp://${new URL(engine.url).host}` },
    programs: {
      'docker-credential-recording': `echo '${login}'`,
      'docker-compose': `echo '${JSON.stringify(project)}'`
    },
    routes: { 'registry.example.com': registry.url, 'auth.example.com': tokens.url, 'shop.example.com': shop.url },
    named: {
      '<registry>': ['registry.example.com'],
      '<token service>': ['auth.example.com'],
      '<probe>': ['shop.example.com'],
      '<engine>': ['127.0.0.1'],
      'docker-credential-*': ['docker-credential-recording']
    },
    files: () => ({
      '.docker/config.json': '{"credsStore":"recording"}',
      'project/compose.yaml': JSON.stringify(project)
    }),
    direct: () => (engine.asked.length > 0 ? ['127.0.0.1'] : []),
    servers: [engine, registry, tokens, shop]
  }
}

const containerId = 'a'.repeat(64)
const imageId = `sha256:${'b'.repeat(64)}`

/** A Docker engine that runs one container, or none. */
function answerOfEngine({ path }: Asked, containers: boolean): Answer {
  const name = 'registry.example.com/shop/web:1.2.0'
  const state = { Status: 'running', Running: true, StartedAt: '2026-03-18T14:30:00Z' }
  const answers: Record<string, unknown> = {
    '/version': { ApiVersion: '1.41', MinAPIVersion: '1.12' },
    '/info': { OSType: 'linux', Architecture: 'x86_64', DockerRootDir: '/', Swarm: { LocalNodeState: 'inactive' } },
    '/containers/json': containers
      ? [{ Id: containerId, Names: ['/web'], Image: name, ImageID: imageId, State: 'running', Labels: {} }]
      : [],
    '/images/json': [{ Id: imageId, RepoTags: [name], RepoDigests: [], Created: 1_700_000_000, Labels: {} }],
    [`/containers/${containerId}/json`]: {
      Id: containerId,
      Name: '/web',
      Created: '2026-03-18T14:30:00Z',
      Image: imageId,
      State: state,
      Config: { Image: name, Env: [], Labels: {} },
      HostConfig: {},
      NetworkSettings: { Networks: {}, Ports: {} },
      Mounts: []
    }
  }
  const asked = path.replace(/^\/v[\d.]+/, '')
  const image = { Id: imageId, RepoTags: [name], RepoDigests: [], Os: 'linux', Architecture: 'amd64', Config: {} }
  if (/^\/images\/.*b{64}\/json$/.test(asked)) return json(image)
  return asked in answers ? json(answers[asked]) : json({ message: 'no such thing' }, 404)
}

/** Tokens of whoever runs the tests stay out of it. */
const withoutLogins = Object.fromEntries(
  [
    'GH_TOKEN',
    'GITHUB_TOKEN',
    'GH_HOST',
    'GH_REPO',
    'GITHUB_API_URL',
    'GITHUB_REPOSITORY',
    'POP_ROLLBACK_GITHUB_TOKEN',
    'NPM_TOKEN',
    'NODE_AUTH_TOKEN',
    'PIP_INDEX_URL',
    'UV_INDEX_URL',
    'DOCKER_HOST',
    'DOCKER_CONTEXT',
    'DOCKER_CONFIG',
    'KUBECONFIG',
    ...Object.keys(process.env).filter((name) => /^npm_config_/i.test(name))
  ].map((name) => [name, ''])
)

describe('what the tools contact and start', async () => {
  const listed = contactsIn(await readFile('docs/security.md', 'utf8'))
  /** "docker registry.example.com" of every row that a run has seen. */
  const seen = new Set<string>()
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test.each(Object.entries(scenes))('%s: no more than the tables say', async (_, open) => {
    const scene = await open()
    const { target, versions = { good: '1.1.0', failed: '1.2.0' }, named = {} } = scene
    ends.push(...scene.servers.map((server) => () => server.stop()))
    const recorded = await recording(scene.routes, { git: `exec ${realGit} "$@"`, ...scene.programs })
    ends.push(() => recorded.stop())
    const home = await testProject()
    const commit = '1234567890'.repeat(4)
    const project = await testProject({
      version: '1.0',
      targets: {
        [target]: {
          enabled: true,
          primary: true,
          config: { rollback: { soak_seconds: 0 }, ...scene.config },
          signals: scene.signals ?? []
        }
      },
      history: [
        historyRecord(target, versions.failed, 'failed', '2026-03-18T14:30:00Z', { commit_sha: commit }),
        historyRecord(target, versions.good, 'success', '2026-03-10T09:00:00Z', { commit_sha: commit })
      ]
    })
    ends.push(home.remove, project.remove)
    const files = { ...scene.files?.(recorded) }
    for (const [name, content] of Object.entries(files)) {
      const path = name.startsWith('project/') ? join(project.dir, name.slice('project/'.length)) : join(home.dir, name)
      await mkdir(join(path, '..'), { recursive: true })
      await writeFile(path, content)
    }
    if (scene.programs?.['docker-compose']) {
      await mkdir(join(home.dir, '.docker/cli-plugins'))
      await symlink(
        join(recorded.env.PATH ?? '', 'docker-compose'),
        join(home.dir, '.docker/cli-plugins/docker-compose')
      )
    }
    await project.commit()
    execFileSync(realGit, ['-C', project.dir, 'remote', 'add', 'origin', 'https://github.com/acme/app'])

    const env = { ...withoutLogins, HOME: home.dir, ...recorded.env, ...scene.env }
    const server = await startServer({ projectDir: project.dir, env })
    ends.push(() => server.close())
    const { plan } = await server.call('assess_rollback', { target, investigate: true })
    if (plan?.id)
      await server.call('execute_rollback', { target, version: plan.version, plan_id: plan.id, dry_run: true })
    await server.call('verify_rollback', { target })

    const isIn = (row: string, met: string): boolean => row === met || (named[row]?.includes(met) ?? false)
    for (const [kind, met] of [
      ['address', [...recorded.hosts(), ...(scene.direct?.() ?? [])]],
      ['program', recorded.programs()]
    ] as const) {
      const rows = listed.filter((row) => row.kind === kind && [target, 'every target'].includes(row.target))
      const unlisted = met.filter((one) => !rows.some(({ name }) => isIn(name, one)))
      expect(unlisted, `${kind} that docs/security.md does not list for ${target}`).toEqual([])
      for (const row of rows) if (met.some((one) => isIn(row.name, one))) seen.add(`${row.target} ${row.name}`)
    }
  })

  test('and no less', () => {
    const unseen = listed.map(({ target, name }) => `${target} ${name}`).filter((row) => !seen.has(row))
    expect(unseen).toEqual([])
  })
})
