import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { JsonObject } from '../../src/model/json.ts'
import { systemClock } from '../../src/support/clock.ts'
import { createMask } from '../../src/support/mask.ts'
import { openApi } from '../../src/targets/kubernetes/client/api.ts'
import { connect } from '../../src/targets/kubernetes/client/connect.ts'
import { followList } from '../../src/targets/kubernetes/client/follow-list.ts'
import { collectionOf, type Kind } from '../../src/targets/kubernetes/objects/names.ts'
import { metaOnlySchema } from '../../src/targets/kubernetes/objects/objects.ts'
import type { Answer } from '../built-server.ts'
import { docker, imagesMade, type Mode, makeImage } from '../docker/images.ts'

const run = promisify(execFile)

/** A namespace of its own on a real cluster, and images that its node already has. */
export interface Cluster {
  namespace: string
  kubeconfig: string
  image(version: string, mode?: Mode): Promise<string>
  kubectl(...args: string[]): Promise<string>
  get(what: string): Promise<Answer>
  apply(object: JsonObject): Promise<void>
  /** Applies and waits until the rollout is complete. */
  rolledOut(object: JsonObject): Promise<void>
  /** A kubeconfig of a new ServiceAccount with these rules alone. */
  identity(name: string, rules: JsonObject[]): Promise<string>
  create(): Promise<void>
  remove(): Promise<void>
}

export async function createCluster(kubeconfig: string): Promise<Cluster> {
  const cluster = newCluster(kubeconfig)
  await cluster.create()
  return cluster
}

/** The same, before its namespace is created. */
export function newCluster(kubeconfig: string): Cluster {
  const namespace = `popk-${randomBytes(4).toString('hex')}`
  const repository = `${namespace}/web`
  const files: string[] = []
  const images = new Map<string, Promise<unknown>>()

  const kubectl = async (...args: string[]): Promise<string> =>
    (await run('kubectl', ['--kubeconfig', kubeconfig, '-n', namespace, ...args], { maxBuffer: 1 << 26 })).stdout.trim()

  const apply = async (object: JsonObject): Promise<void> => {
    const file = join(tmpdir(), `${namespace}-${randomBytes(3).toString('hex')}.json`)
    files.push(file)
    await writeFile(file, JSON.stringify(object))
    await kubectl('apply', '-f', file)
  }

  return {
    namespace,
    kubeconfig,
    async image(version, mode = 'good') {
      const making = images.get(version) ?? makeImage(repository, version, { mode, healthcheck: false })
      images.set(version, making)
      await making
      return `${repository}:${version}`
    },
    kubectl,
    get: async (what) => JSON.parse(await kubectl('get', ...what.split(' '), '-o', 'json')) as Answer,
    apply,
    async rolledOut(object) {
      await apply(object)
      const { kind, metadata } = object as { kind: string; metadata: { name: string } }
      await kubectl('rollout', 'status', `${kind.toLowerCase()}/${metadata.name}`, '--timeout=180s')
    },
    async identity(name, rules) {
      const metadata = { name, namespace }
      await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata })
      await apply({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules })
      await apply({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace }]
      })
      const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} })
      const file = join(tmpdir(), `${namespace}-${name}.kubeconfig`)
      const child = run('kubectl', [
        '--kubeconfig',
        kubeconfig,
        'create',
        '--raw',
        `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
        '-f',
        '-'
      ])
      child.child.stdin?.end(body)
      const { status } = JSON.parse((await child).stdout) as { status: { token: string } }
      const config = JSON.parse(await kubectl('config', 'view', '--raw', '--minify', '-o', 'json')) as Answer
      config.users = [{ name, user: { token: status.token } }]
      config.contexts[0].context.user = name
      await writeFile(file, JSON.stringify(config))
      files.push(file)
      return file
    },
    async create() {
      await run('kubectl', ['--kubeconfig', kubeconfig, 'create', 'namespace', namespace])
    },
    async remove() {
      await kubectl('delete', 'namespace', namespace, '--wait=false')
      for (const file of files) await rm(file, { force: true })
      // One process that watches: asking again and again by kubectl took a core from the tests beside it. It fails if there is no pod.
      await kubectl('wait', 'pods', '--all', '--for=delete', '--timeout=90s').catch(() => undefined)
      for (const id of imagesMade(repository)) await docker('rmi', '-f', id).catch(() => undefined)
    }
  }
}

export interface Shape {
  kind?: 'Deployment' | 'StatefulSet' | 'DaemonSet'
  name?: string
  image: string
  replicas?: number
  /** Merged into the container. */
  container?: JsonObject
  /** Merged into the pod's spec, the workload's spec, its metadata. */
  pod?: JsonObject
  spec?: JsonObject
  annotations?: JsonObject
  labels?: JsonObject
}

/** A workload of the test service, quick to be ready. */
export function workload(shape: Shape): JsonObject {
  const { kind = 'Deployment', name = 'web', image, replicas = 2, container = {}, pod = {}, spec = {} } = shape
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, labels: { ...labels, ...shape.labels }, annotations: shape.annotations ?? {} },
    spec: {
      selector: { matchLabels: labels },
      ...(kind !== 'DaemonSet' && { replicas }),
      ...(kind === 'StatefulSet' && { serviceName: name }),
      ...spec,
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: 'web',
              image,
              imagePullPolicy: 'IfNotPresent',
              readinessProbe: { httpGet: { path: '/health', port: 8080 }, periodSeconds: 1 },
              ...container
            }
          ],
          ...pod
        }
      }
    }
  }
}

/** Waits until something is true, at most `limitMs`. It asks ever less often: most questions start a process. */
export async function until<T>(what: string, read: () => Promise<T>, limitMs = 120_000): Promise<NonNullable<T>> {
  const end = Date.now() + limitMs
  let last: unknown
  for (let pause = 200; ; pause = Math.min(pause * 1.3, 1_000)) {
    const seen = await read().catch((error: unknown) => {
      last = error
      return null
    })
    if (seen) return seen as NonNullable<T>
    if (Date.now() > end) throw new Error(`gave up waiting for ${what}${last ? `: ${String(last)}` : ''}`)
    await wait(pause)
  }
}

const plain: Record<string, string> = { leases: '/apis/coordination.k8s.io/v1', secrets: '/api/v1' }

/**
 * Watches one object, "deployment/web", or all "leases" or "secrets" of the namespace, from when it returns: `seen` resolves when one first
 * satisfies a condition, which is a moment at which a process may die.
 */
export async function watchObject(
  cluster: Cluster,
  what: string,
  matches: (object: Answer) => boolean
): Promise<{ seen: Promise<void>; stop(): void }> {
  const { namespace, kubeconfig } = cluster
  const api = openApi(await connect({}, { KUBECONFIG: kubeconfig }, createMask()), systemClock)
  const end = new AbortController()
  const [kind = '', name] = what.split('/')
  const path = name ? collectionOf(kind as Kind, namespace) : `${plain[kind]}/namespaces/${namespace}/${kind}`
  const query = name ? { fieldSelector: `metadata.name=${name}` } : {}
  const list = followList(api, systemClock, { doing: `Watching ${what}`, path, query }, metaOnlySchema, end.signal)
  list.ended.catch(() => undefined).finally(() => api.close())
  let listed = (): void => undefined
  const ready = new Promise<void>((resolve) => {
    listed = resolve
  })
  const seen = new Promise<void>((resolve) => {
    list.join({
      wants: () => true,
      tell(items) {
        listed()
        if (items.some((item) => matches(item as Answer))) resolve()
      }
    })
  })
  await Promise.race([ready, list.ended])
  return { seen, stop: () => end.abort() }
}
