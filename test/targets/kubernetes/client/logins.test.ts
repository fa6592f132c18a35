import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { RollbackError } from '../../../../src/support/errors.ts'
import type { Answer } from '../../../../testkit/built-server.ts'
import { workload } from '../../../../testkit/kubernetes/cluster.ts'
import { commandLine } from '../../../harness/command-line.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { inTime, useCluster } from '../use-cluster.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const run = promisify(execFile)

describeOn('kubernetes', 'logins and the choice of a cluster', (backend) => {
  const authority = join(dirname(backend.kubeconfig ?? ''), 'pki')
  const scene = useCluster(backend)
  const { cluster } = scene
  let dir: string
  let token: string
  let kubeconfig: Answer

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pop-logins-'))
    await cluster.apply(workload({ image: 'popk-nowhere.invalid/web:1', replicas: 0 }))
    const rules = [{ apiGroups: ['', 'apps', 'coordination.k8s.io'], resources: ['*'], verbs: ['get', 'list'] }]
    kubeconfig = JSON.parse(await readFile(await cluster.identity('reader', rules), 'utf8')) as Answer
    token = kubeconfig.users[0].user.token
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  const file = async (name: string, content: string | Answer, mode = 0o600): Promise<string> => {
    const path = join(dir, name)
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    await chmod(path, mode)
    return path
  }
  const asUser = (name: string, user: JsonObject): Promise<string> =>
    file(`${name}.kubeconfig`, { ...kubeconfig, users: [{ name: 'reader', user }] })
  const observe = async (kubeconfig: string, config: JsonObject = {}): Promise<string> => {
    const target = await scene.target({ workloads: ['deployment/web'], ...config }, { kubeconfig })
    return (await target.observe(inTime())).observation.current?.version ?? ''
  }
  const failure = async (asking: Promise<string>): Promise<RollbackError> => {
    const error = await asking.then(
      (version) => new Error(`the login was accepted and read ${version}`),
      (thrown: unknown) => thrown
    )
    expect(error).toBeInstanceOf(RollbackError)
    return error as RollbackError
  }
  const program = async (name: string, script: string): Promise<JsonObject> => ({
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1beta1',
      command: await file(name, `#!/bin/sh\n${script}\n`, 0o700),
      args: ['login'],
      env: [{ name: 'LOGIN_TOKEN', value: token }]
    }
  })
  const credential = (status: string) =>
    `echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":${status}}'`

  it('a token, and an invalid one', async () => {
    expect(await observe(await asUser('token', { token }))).toBe('1')
    const tokenFile = await file('token', token)
    expect(await observe(await asUser('token-file', { tokenFile }))).toBe('1')
    expect(await failure(observe(await asUser('wrong', { token: 'nonsense' })))).toMatchObject({ code: 'unauthorized' })
  })

  it.skipIf(!existsSync(join(authority, 'ca.key')))('a client certificate', async () => {
    const key = join(dir, 'client.key')
    const certificate = join(dir, 'client.crt')
    await run('openssl', [
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/O=system:masters/CN=popk',
      '-keyout',
      key,
      '-out',
      `${key}.csr`
    ])
    const sign = [
      '-CA',
      join(authority, 'ca.crt'),
      '-CAkey',
      join(authority, 'ca.key'),
      '-set_serial',
      '77',
      '-days',
      '1'
    ]
    await run('openssl', ['x509', '-req', '-in', `${key}.csr`, ...sign, '-out', certificate])
    const named = await asUser('certificate', { 'client-certificate': certificate, 'client-key': key })
    expect(await observe(named)).toBe('1')
    const base64 = async (path: string) => (await readFile(path)).toString('base64')
    const inside = { 'client-certificate-data': await base64(certificate), 'client-key-data': await base64(key) }
    expect(await observe(await asUser('certificate-inside', inside))).toBe('1')
    const gone = { 'client-certificate': certificate, 'client-key': join(dir, 'nowhere.key') }
    expect(await failure(observe(await asUser('certificate-gone', gone)))).toMatchObject({ code: 'login_failed' })
  })

  it('a login program: its token, and none of its output when it fails', async () => {
    const good = await program('login', `[ "$1" = login ] && ${credential(`{"token":"'$LOGIN_TOKEN'"}`)}`)
    expect(await observe(await asUser('exec', good))).toBe('1')

    const failing: [string, string][] = [
      ['fails', 'echo "no session for h0p-sesame-17" >&2; exit 1'],
      ['babbles', 'echo h0p-sesame-17'],
      ['says nothing', credential('null')]
    ]
    for (const [name, script] of failing) {
      const error = await failure(observe(await asUser('exec-failing', await program('failing', script))))
      expect(error, name).toMatchObject({ fault: 'config', code: 'login_failed' })
      expect(`${error.message} ${error.next}`, name).not.toContain('h0p-sesame-17')
      expect(error.message, name).toContain('failing')
    }
    const absent = await asUser('exec-absent', {
      exec: { ...((await program('x', '')).exec as JsonObject), command: 'popk-no-such-login' }
    })
    expect((await failure(observe(absent))).message).toContain('popk-no-such-login cannot be run')
  })

  it('a login program runs once for all requests, and again when its credential is refused', async () => {
    const runs = join(dir, 'runs')
    const counted = async (name: string, tokens: string): Promise<number> => {
      await rm(runs, { force: true })
      const script = `echo run >> ${runs}; ${tokens}; ${credential(`{"token":"'$TOKEN'"}`)}`
      expect(await observe(await asUser(name, await program(name, script)))).toBe('1')
      return (await readFile(runs, 'utf8')).trim().split('\n').length
    }
    expect(await counted('exec-once', 'TOKEN=$LOGIN_TOKEN')).toBe(1)
    const staleAtFirst = `TOKEN=stale; [ $(wc -l < ${runs}) -gt 1 ] && TOKEN=$LOGIN_TOKEN`
    expect(await counted('exec-stale', staleAtFirst)).toBe(2)
  })

  it('a cluster behind the proxy that the kubeconfig names', async () => {
    let tunnels = 0
    const proxy = createServer().on('connect', (request, socket) => {
      tunnels++
      const [host, port] = (request.url ?? '').split(':')
      const onward = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        onward.pipe(socket).pipe(onward)
      })
      onward.on('error', () => socket.destroy())
      socket.on('error', () => onward.destroy())
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const { port } = proxy.address() as AddressInfo
    const [entry] = kubeconfig.clusters
    const clusters = [{ ...entry, cluster: { ...entry.cluster, 'proxy-url': `http://127.0.0.1:${port}` } }]
    try {
      expect(await observe(await file('proxied.kubeconfig', { ...kubeconfig, clusters }))).toBe('1')
      expect(tunnels).toBeGreaterThan(0)
    } finally {
      proxy.close()
    }
  })

  it('a failing login does not show its secret through the command either', async () => {
    const script = 'echo "token expired: h0p-sesame-17" >&2; exit 1'
    const path = await asUser('exec-command', await program('command', script))
    const { project } = await scene.project({ workloads: ['deployment/web'] })
    const { stdout, stderr, code } = await commandLine(['assess'], project.dir, {
      ...process.env,
      KUBECONFIG: path
    })
    expect(code).not.toBe(0)
    expect(stdout + stderr).toContain('login program')
    expect(stdout + stderr).not.toContain('h0p-sesame-17')
  })

  it('the chosen context, and one that does not exist', async () => {
    const contexts = [
      { name: 'lost', context: { ...kubeconfig.contexts[0].context, cluster: 'lost' } },
      { name: 'found', context: kubeconfig.contexts[0].context }
    ]
    const clusters = [...kubeconfig.clusters, { name: 'lost', cluster: { server: 'https://127.0.0.1:1' } }]
    const two = await file('two.kubeconfig', { ...kubeconfig, contexts, clusters, 'current-context': 'lost' })
    expect(await observe(two, { context: 'found' })).toBe('1')
    const missing = await failure(observe(two, { context: 'nowhere' }))
    expect(missing).toMatchObject({ fault: 'config', code: 'no_cluster' })
    expect(missing.message).toMatch(/nowhere.*lost, found/)
    expect(await failure(observe(join(dir, 'none')))).toMatchObject({ code: 'no_cluster' })
    const torn = await file('torn.kubeconfig', `users: [{name: a, user: {token: "h0p-sesame-17}}]\nx: [`)
    const unreadable = await failure(observe(torn))
    expect(unreadable).toMatchObject({ code: 'no_cluster' })
    expect(unreadable.message).not.toContain('h0p-sesame-17')
  })

  it('several files, of which the first that names something counts', async () => {
    const { clusters, users, contexts } = kubeconfig
    const lost = { name: clusters[0].name, cluster: { server: 'https://127.0.0.1:1' } }
    const files = await Promise.all([
      file('empty.kubeconfig', ''),
      file('clusters.kubeconfig', { clusters, users: null }),
      join(dir, 'not-there.kubeconfig'),
      file('same-names.kubeconfig', { clusters: [lost], users, contexts }),
      file('context.kubeconfig', { 'current-context': contexts[0].name }),
      file('other-context.kubeconfig', { 'current-context': 'nowhere' })
    ])
    expect(await observe(files.join(delimiter))).toBe('1')
  })

  it('the namespace of the chosen context', async () => {
    const [{ context }] = kubeconfig.contexts
    const contexts = [
      { name: 'elsewhere', context: { ...context, namespace: 'default' } },
      { name: 'here', context: { ...context, namespace: cluster.namespace } }
    ]
    const two = await file('namespaces.kubeconfig', { ...kubeconfig, contexts, 'current-context': 'elsewhere' })
    expect(await observe(two, { namespace: null, context: 'here' })).toBe('1')
    expect((await failure(observe(two, { namespace: null }))).message).toMatch(/default/)
  })

  it.skipIf(process.getuid?.() !== 0)('the service account of a pod, by its mounted files', async () => {
    const account = join(dir, 'account')
    await mkdir(account)
    const { cluster: server } = kubeconfig.clusters[0]
    const authorityFile = server['certificate-authority-data']
      ? Buffer.from(server['certificate-authority-data'], 'base64').toString()
      : await readFile(server['certificate-authority'], 'utf8')
    await writeFile(join(account, 'ca.crt'), authorityFile)
    await writeFile(join(account, 'token'), token)
    await writeFile(join(account, 'namespace'), cluster.namespace)
    const { project } = await scene.project({ namespace: null, workloads: ['deployment/web'] })
    const program = join(import.meta.dirname, '../../../../dist/cli.mjs')
    const { hostname, port } = new URL(server.server)
    // In a mount namespace of its own, so that nobody else on this machine seems to run in a cluster.
    const script = `mount -t tmpfs none /run && d=/run/secrets/kubernetes.io/serviceaccount && mkdir -p $d && cp ${account}/* $d && exec "$@"`
    const { stdout } = await run(
      'unshare',
      ['--mount', 'sh', '-c', script, 'sh', process.execPath, program, 'assess', '--json'],
      {
        cwd: project.dir,
        env: { PATH: process.env.PATH, HOME: dir, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }
      }
    ).catch((error: { stdout: string; stderr: string }) => error)
    expect(JSON.parse(stdout)).toMatchObject({ current: { version: '1' } })
  })
})
