import type { z } from 'zod'
import type { JsonObject } from '../../../src/model/json.ts'
import { systemClock } from '../../../src/support/clock.ts'
import { createMask } from '../../../src/support/mask.ts'
import type { Api, Request } from '../../../src/targets/kubernetes/client/api.ts'
import { ApiFailure } from '../../../src/targets/kubernetes/client/failure.ts'
import { configSchema } from '../../../src/targets/kubernetes/config.ts'
import type { KubernetesContext } from '../../../src/targets/kubernetes/context.ts'

/** Objects by their path, as an API server keeps them; for moments that a real cluster shows only by luck. */
export interface FakeCluster {
  context: KubernetesContext
  /** By path; an added object exists immediately, and a removed one gives 404. */
  objects: Map<string, JsonObject>
  /** Every request but GET, as "METHOD path". */
  acts: string[]
  /** Called before each request; may throw an answer of the server, or change objects. */
  before(hook: (request: Request) => void): void
}

export function fakeCluster(config: JsonObject = {}): FakeCluster {
  const objects = new Map<string, JsonObject>()
  const acts: string[] = []
  let hook: (request: Request) => void = () => undefined
  const notFound = ({ doing, path }: Request) => new ApiFailure(doing, 404, { message: `${path} not found` })
  const api: Pick<Api, 'server' | 'send' | 'find' | 'list' | 'now'> = {
    server: 'cluster.example',
    async send<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
      hook(request)
      const { method = 'GET', path } = request
      if (method !== 'GET') acts.push(`${method} ${path}`)
      const found = objects.get(path)
      if (!found && method !== 'POST') throw notFound(request)
      if (method === 'DELETE') objects.delete(path)
      return schema.parse(found ?? request.body)
    },
    async find(request, schema) {
      hook(request)
      const found = objects.get(request.path)
      return found ? schema.parse(found) : null
    },
    async list(request, item) {
      hook(request)
      const within = [...objects].filter(([path]) => path.replace(/\/[^/]+$/, '') === request.path)
      return { items: within.map(([, object]) => item.parse(object)), resourceVersion: '1' }
    },
    now: () => systemClock.now().getTime()
  }
  const context = {
    api,
    config: configSchema.parse(config),
    history: [],
    namespace: 'shop',
    kubectl: 'kubectl',
    env: {},
    clock: systemClock,
    log: () => undefined,
    mask: createMask()
  } as unknown as KubernetesContext
  return {
    context,
    objects,
    acts,
    before(next) {
      hook = next
    }
  }
}

export const deploymentPath = (name: string): string => `/apis/apps/v1/namespaces/shop/deployments/${name}`
export const statefulSetPath = (name: string): string => `/apis/apps/v1/namespaces/shop/statefulsets/${name}`
export const podPath = (name: string): string => `/api/v1/namespaces/shop/pods/${name}`

export const template = (name: string, image: string): JsonObject => ({
  metadata: { labels: { app: name } },
  spec: { containers: [{ name: 'web', image }] }
})

interface Made {
  image?: string
  /** Numbers of the status, and whatever else differs. */
  replicas?: number
  status?: JsonObject
  spec?: JsonObject
  generation?: number
}

/** A Deployment that is complete, unless its status says otherwise. */
export function deployment(name: string, made: Made = {}): JsonObject {
  const { image = `${name}:1.1.0`, replicas = 1, generation = 1, status = {}, spec = {} } = made
  return {
    metadata: { name, namespace: 'shop', uid: name, generation },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name, image), ...spec },
    status: {
      observedGeneration: generation,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
      ...status
    }
  }
}

/** The ReplicaSet of one of its revisions. */
export const replicaSet = (of: string, revision: number, image: string, createdAt?: string): JsonObject => ({
  metadata: {
    name: `${of}-${revision}`,
    namespace: 'shop',
    uid: `${of}-${revision}`,
    labels: { app: of, 'pod-template-hash': String(revision) },
    annotations: { 'deployment.kubernetes.io/revision': String(revision) },
    ...(createdAt && { creationTimestamp: createdAt }),
    ownerReferences: [{ uid: of, kind: 'Deployment', name: of, controller: true }]
  },
  spec: { replicas: 0, template: template(of, image) },
  status: { replicas: 0, availableReplicas: 0 }
})

/** A pod of a Deployment's revision: running and ready, unless its status says otherwise. */
export const pod = (of: string, revision: number, name: string, status: JsonObject = {}): JsonObject => ({
  metadata: {
    name: `${of}-${revision}-${name}`,
    namespace: 'shop',
    uid: `${of}-${revision}-${name}`,
    labels: { app: of, 'pod-template-hash': String(revision) },
    ownerReferences: [{ uid: `${of}-${revision}`, kind: 'ReplicaSet', name: `${of}-${revision}`, controller: true }]
  },
  spec: {},
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], ...status }
})

/** Puts a Deployment with its newest revision and pods in place. */
export function put(cluster: FakeCluster, object: JsonObject, ...others: JsonObject[]): void {
  const nameOf = (one: JsonObject): string => (one.metadata as { name: string }).name
  cluster.objects.set(deploymentPath(nameOf(object)), object)
  for (const one of others) {
    const isPod = !('replicas' in (one.spec as JsonObject))
    cluster.objects.set(isPod ? podPath(nameOf(one)) : `/apis/apps/v1/namespaces/shop/replicasets/${nameOf(one)}`, one)
  }
}
