import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { connect } from '../../../../src/targets/docker/engine/connect.ts'
import docker from '../../../../src/targets/docker/index.ts'
import { servesLoginsOf } from '../../../../src/targets/docker/registry/http.ts'
import type { Target } from '../../../../src/targets/target.ts'
import { planTo } from '../../../../testkit/docker/world.ts'
import { targetContext, testRun } from '../../../../testkit/target-context.ts'

const id = 'a'.repeat(64)
const image = `sha256:${'b'.repeat(64)}`
const digest = `sha256:${'c'.repeat(64)}`
const password = 'of-ada-and-of-nobody-else'

let home: string
let closing: (() => void)[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pop-trust-'))
})
afterEach(async () => {
  for (const close of closing) close()
  closing = []
  await rm(home, { recursive: true, force: true })
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void

async function listening(answer: Answer, host = '127.0.0.1'): Promise<string> {
  const server: Server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  closing.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return `${host}:${(server.address() as AddressInfo).port}`
}

const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** An engine on which one container runs, and which has no other image; it asks a registry that wants a login. */
async function engineOf(repository: string): Promise<{ address: string; logins: string[] }> {
  const logins: string[] = []
  const refused = { message: 'unauthorized: authentication required' }
  const answers: [RegExp, unknown, number?][] = [
    [/^\/version/, { ApiVersion: '1.41' }],
    [/^\/info/, { OSType: 'linux', Architecture: 'x86_64' }],
    [
      /^\/containers\/json/,
      [{ Id: id, Names: ['/web'], Image: `${repository}:1.2.0`, ImageID: image, State: 'running' }]
    ],
    [/^\/images\/json/, [{ Id: image, RepoTags: [`${repository}:1.2.0`], RepoDigests: [] }]],
    [/^\/distribution\/|^\/images\/create/, refused, 401],
    [
      new RegExp(`^/containers/${id}/json`),
      {
        ...{ Id: id, Name: '/web', Created: '2026-03-18T14:30:00Z', Image: image, HostConfig: {}, Mounts: [] },
        State: { Status: 'running', Running: true, StartedAt: '2026-03-18T14:30:00Z' },
        Config: { Image: `${repository}:1.2.0` },
        NetworkSettings: { Networks: {}, Ports: {} }
      }
    ]
  ]
  const address = await listening((request, response) => {
    const path = (request.url ?? '').replace(/^\/v[\d.]+/, '')
    const login = request.headers['x-registry-auth']
    if (login) logins.push(Buffer.from(String(login), 'base64url').toString())
    const [, body, status] = answers.find(([pattern]) => pattern.test(path)) ?? [
      null,
      { message: 'no such thing' },
      404
    ]
    json(response, body, status)
  })
  return { address, logins }
}

/** A registry that gives its one image to ada. */
const registryOfAda = (): Promise<string> =>
  listening((request, response) => {
    const isAda = request.headers.authorization === `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`
    if (!isAda) return response.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end()
    if (request.url?.includes('/tags/list')) return json(response, { tags: ['1.1.0'] })
    return response.writeHead(200, { 'docker-content-digest': digest }).end()
  })

async function scene(env: (engine: string) => NodeJS.ProcessEnv = () => ({})) {
  const registry = await registryOfAda()
  const engine = await engineOf(`${registry}/shop/web`)
  const auth = Buffer.from(`ada:${password}`).toString('base64')
  await mkdir(join(home, '.docker'), { recursive: true })
  await writeFile(join(home, '.docker/config.json'), JSON.stringify({ auths: { [registry]: { auth } } }))
  const config = docker.configSchema.parse({ host: `tcp://${engine.address}`, registry, image_name: 'shop/web' })
  const context = { name: 'docker', projectDir: home, config, env: { HOME: home, ...env(engine.address) } }
  const target = (await docker.open(targetContext(context))) as Target
  closing.push(() => void target.close?.())
  return { registry, engine, target, planned: await planTo(target, '1.1.0') }
}

it('no login goes to an engine that only deploy.json names, until a person accepts that risk', async () => {
  const { registry, engine, target, planned } = await scene()
  const { draft, observation } = planned
  expect(engine.logins).toEqual([])
  expect(observation.notes.join()).toContain(`was not sent to the engine at tcp://${engine.address}`)
  const risk = { id: `registry_login:${registry}`, serious: true, detail: expect.stringContaining('the login of ada') }
  expect(draft).toMatchObject({ blockers: [], risks: expect.arrayContaining([expect.objectContaining(risk)]) })
  const pull = draft.steps.find(({ kind }) => kind === 'pull_image')
  if (!pull) throw new Error('nothing is pulled')
  const denied = { code: 'image_denied', next: expect.stringContaining('POP_ROLLBACK_TRUSTED_HOSTS') }
  await expect(target.apply(pull, testRun())).rejects.toMatchObject(denied)
  expect(engine.logins).toEqual([])
  await target.apply(pull, testRun({ accepted: [risk.id] })).catch(() => undefined)
  expect(engine.logins.join()).toContain(password)
})

it.each<[string, (engine: string) => NodeJS.ProcessEnv]>([
  ['lists it', (engine) => ({ POP_ROLLBACK_TRUSTED_HOSTS: `other.example, ${engine}` })],
  ['chooses it, too', (engine) => ({ DOCKER_HOST: `tcp://${engine}` })]
])('a login goes to an engine of deploy.json where the environment %s', async (_, env) => {
  const { engine, planned } = await scene(env)
  expect(engine.logins.join()).toContain(password)
  expect(planned.draft.risks.filter(({ id }) => id.startsWith('registry_login'))).toEqual([])
})

it('no key goes to an engine that only deploy.json names', async () => {
  for (const name of ['ca', 'cert', 'key']) await writeFile(join(home, `${name}.pem`), name)
  const env = { HOME: home, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: home }
  const optionsOf = async (choice: { host?: string }, more = {}) => {
    const transport = await connect(choice, { ...env, ...more })
    transport.close()
    const { agent } = transport.request
    return Object.keys((agent as unknown as { options: object }).options).filter((key) => /^(ca|cert|key)$/.test(key))
  }
  expect(await optionsOf({ host: 'tcp://a.example:2376' })).toEqual(['ca'])
  expect(await optionsOf({}, { DOCKER_HOST: 'tcp://a.example:2376' })).toEqual(['ca', 'cert', 'key'])
})

it('ssh does not log in at a host that only deploy.json names', async () => {
  const refused = {
    fault: 'config',
    code: 'untrusted_host',
    next: expect.stringContaining('POP_ROLLBACK_TRUSTED_HOSTS')
  }
  await expect(connect({ host: 'ssh://ann@a.example' }, { HOME: home })).rejects.toMatchObject(refused)
  for (const host of ['ssh://-oProxyCommand=x', 'ssh://-oProxyCommand=x@a.example', 'ssh://a.example\n', 'ssh://a b'])
    await expect(connect({ host }, { HOME: home, DOCKER_HOST: host })).rejects.toMatchObject({ code: 'engine_address' })
})

it('a socket is the user’s own unless it lies in the project', async () => {
  const server = createServer()
  const path = join(home, 'engine.sock')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  closing.push(() => server.close())
  const isTrusted = async (projectDir: string) => (await connect({ host: `unix://${path}`, projectDir }, {})).trusted
  expect(await isTrusted(join(home, 'elsewhere')).catch(String)).toBe(false)
  await mkdir(join(home, 'project'))
  expect(await isTrusted(join(home, 'project'))).toBe(true)
  expect(await isTrusted(home)).toBe(false)
})

it.each([
  ['https://ghcr.io/v2/', 'https://ghcr.io/token', true],
  ['https://registry-1.docker.io/v2/', 'https://auth.docker.io/token', true],
  ['https://registry.gitlab.com/v2/', 'https://gitlab.com/jwt/auth', true],
  ['http://127.0.0.1:5000/v2/', 'http://127.0.0.1:5000/token', true],
  ['http://127.0.0.1:5000/v2/', 'http://127.0.0.1:5001/token', false],
  ['https://ghcr.io/v2/', 'https://evil.example/token', false],
  ['https://ghcr.io/v2/', 'https://ghcr.io:8443/token', false],
  ['https://ghcr.io/v2/', 'http://ghcr.io/token', false],
  ['https://ghcr.io/v2/', 'https://io/token', false],
  ['https://registry.corp.example/v2/', 'https://evil-corp.example/token', false],
  ['https://registry.corp.example/v2/', 'https://auth.docker.io/token', false]
])('a login for %s and the token service %s: %s', (registry, service, is) => {
  expect(servesLoginsOf(new URL(registry), new URL(service))).toBe(is)
})

it('a login for a registry does not reach the token service of another one', async () => {
  const seen: (string | undefined)[] = []
  const stranger = await listening((request, response) => {
    seen.push(request.headers.authorization)
    json(response, { token: 'anonymous' })
  })
  const registry = await listening((_, response) => {
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${stranger}/token",service="x"` }).end()
  })
  const engine = await engineOf(`${registry}/shop/web`)
  const auth = Buffer.from(`ada:${password}`).toString('base64')
  await mkdir(join(home, '.docker'), { recursive: true })
  await writeFile(join(home, '.docker/config.json'), JSON.stringify({ auths: { [registry]: { auth } } }))
  const config = docker.configSchema.parse({ registry, image_name: 'shop/web' })
  const env = { HOME: home, DOCKER_HOST: `tcp://${engine.address}` }
  const target = (await docker.open(targetContext({ name: 'docker', projectDir: home, config, env }))) as Target
  await target.observe(AbortSignal.timeout(20_000))
  await target.close?.()
  expect(seen.length).toBeGreaterThan(0)
  expect(new Set(seen)).toEqual(new Set([undefined]))
})
