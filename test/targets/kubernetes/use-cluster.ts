import { afterAll, beforeAll, expect } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import type { Observation } from '../../../src/model/observation.ts'
import type { PlanDraft } from '../../../src/model/plan.ts'
import type { Release } from '../../../src/model/release.ts'
import { createMask, type Mask } from '../../../src/support/mask.ts'
import { configSchema, type KubernetesConfig } from '../../../src/targets/kubernetes/config.ts'
import type { KubernetesContext } from '../../../src/targets/kubernetes/context.ts'
import kubernetes from '../../../src/targets/kubernetes/index.ts'
import { openContext } from '../../../src/targets/kubernetes/target.ts'
import type { Target, TargetContext } from '../../../src/targets/target.ts'
import type { Answer, BuiltServer } from '../../../testkit/built-server.ts'
import type { Mode } from '../../../testkit/docker/images.ts'
import { type Cluster, newCluster, type Shape, until, workload } from '../../../testkit/kubernetes/cluster.ts'
import { createScene, execute, type Scene } from '../../../testkit/kubernetes/scene.ts'
import { targetContext, testRun } from '../../../testkit/target-context.ts'

/** As whom, and in which environment, a target or a server works. */
export interface As {
  kubeconfig?: string
  env?: Record<string, string>
  mask?: Mask
}

/** A cluster for the tests of one file. What they open is closed when the last one has ended. */
export interface ClusterScene {
  cluster: Cluster
  /** The name of an image that exists before the first test. */
  image(version: string, mode?: Mode): string
  /** Closes something after the last test. */
  closing<T extends { close?(): Promise<void> }>(opened: T): T
  project(config: JsonObject, history?: readonly JsonObject[]): Promise<Scene>
  /** A built server in a project of its own. */
  serve(config: JsonObject, history?: readonly JsonObject[], as?: As): Promise<BuiltServer>
  /** The target's own verbs. */
  target(config: JsonObject, as?: As): Promise<Target>
  /** What the verbs work with, for tests of one part. */
  context(config: JsonObject): Promise<KubernetesContext>
  /** The image in a workload's template. */
  imageOf(what: string): Promise<string>
  /** The images of the pods of an app that are not being deleted. */
  podImages(app: string): Promise<string[]>
  /** The images of the ready pods of an app. */
  readyImages(app: string): Promise<string[]>
  crashing(app: string): Promise<unknown>
  /** Waits until a Deployment has so many ReplicaSets. */
  revisions(app: string, count: number): Promise<unknown>
  /** A workload whose second revision crashes. */
  failed(shape: Omit<Shape, 'image'>, images: { good: string; bad: string }, change?: Partial<Shape>): Promise<void>
  /** A workload whose second revision serves. */
  upgraded(shape: Omit<Shape, 'image'>, images: { good: string; next: string }): Promise<void>
}

export function useCluster({ kubeconfig = '' }: { kubeconfig?: string }): ClusterScene {
  const cluster = newCluster(kubeconfig)
  const { namespace, kubectl } = cluster
  const images = new Map<string, Mode>()
  const opened: { close?(): Promise<void> }[] = []
  const contextOf = (config: JsonObject, as: As = {}): TargetContext<KubernetesConfig> => ({
    ...targetContext({ name: 'kubernetes', projectDir: '/' }),
    config: configSchema.parse({ namespace, ...config }),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, KUBECONFIG: as.kubeconfig ?? kubeconfig, ...as.env },
    mask: as.mask ?? createMask()
  })

  beforeAll(async () => {
    await cluster.create()
    for (const [version, mode] of images) await cluster.image(version, mode)
  })
  afterAll(async () => {
    for (const one of opened) await one.close?.()
    await cluster.remove()
  })

  const scene: ClusterScene = {
    cluster,
    image(version, mode = 'good') {
      images.set(version, mode)
      return `${namespace}/web:${version}`
    },
    closing(one) {
      opened.push(one)
      return one
    },
    project: async (config, history) => scene.closing(await createScene(cluster, config, history)),
    serve: async (config, history, as = {}) => (await scene.project(config, history)).serve(as.kubeconfig, as.env),
    target: async (config, as) => scene.closing(await kubernetes.open(contextOf(config, as))),
    async context(config) {
      const context = await openContext(contextOf(config))
      scene.closing({ close: async () => context.api.close() })
      return context
    },
    imageOf: (what) => kubectl('get', what, '-o', 'jsonpath={.spec.template.spec.containers[0].image}'),
    podImages: async (app) =>
      (await cluster.get(`pods -l app=${app}`)).items
        .filter(({ metadata }: Answer) => !metadata.deletionTimestamp)
        .map(({ spec }: Answer) => spec.containers[0].image),
    async readyImages(app) {
      const ready =
        'jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.spec.containers[0].image}{"\\n"}{end}'
      const running = ['--field-selector=status.phase=Running', '-o', ready]
      return (await kubectl('get', 'pods', '-l', `app=${app}`, ...running)).split('\n')
    },
    crashing: (app) =>
      until('the crash', async () => /CrashLoop|Error/.test(await kubectl('get', 'pods', '-l', `app=${app}`))),
    revisions: (app, count) =>
      until(`${count} revisions of ${app}`, async () => {
        const names = await kubectl('get', 'replicasets', '-l', `app=${app}`, '-o', 'name')
        return names.split('\n').filter(Boolean).length === count
      }),
    async failed(shape, { good, bad }, change = {}) {
      await cluster.rolledOut(workload({ replicas: 1, ...shape, image: good }))
      await cluster.apply(workload({ replicas: 1, ...shape, image: bad, ...change }))
      await scene.crashing(shape.name ?? 'web')
    },
    async upgraded(shape, { good, next }) {
      await cluster.rolledOut(workload({ replicas: 1, ...shape, image: good }))
      await cluster.rolledOut(workload({ replicas: 1, ...shape, image: next }))
    }
  }
  return scene
}

/** Executes a plan, and kills the server as soon as a moment comes. */
export async function killAt(server: BuiltServer, assessment: Answer, moment: Promise<unknown>): Promise<void> {
  const running = execute(server, assessment).catch(() => null)
  const ended = await Promise.race([moment.then(() => null), running])
  expect(ended, 'it ended before the moment came').toBeNull()
  server.kill()
  await running
}

/** Finishes or undoes the interrupted rollback that a new server finds. */
export async function resume(server: BuiltServer, direction: 'finish' | 'undo'): Promise<Answer> {
  const { interrupted } = await until('the interruption', async () => {
    const answer = await server.call('assess_rollback')
    return answer.interrupted ? answer : null
  })
  expect(interrupted[direction], `${direction} is not offered`).toBeTruthy()
  const { id, version } = interrupted[direction]
  return server.call('execute_rollback', { target: 'kubernetes', version, plan_id: id })
}

export const inTime = (): AbortSignal => AbortSignal.timeout(200_000)

export interface Planned extends PlanDraft {
  observation: Observation
  release: Release
}

/** Observes, and plans going back to a version. */
export async function planned(target: Target, version: string): Promise<Planned> {
  const { observation, state } = await target.observe(inTime())
  const release = observation.releases.find((one) => one.version === version)
  if (!release)
    throw new Error(`there is no ${version} among ${observation.releases.map((one) => one.version).join(', ')}`)
  return { ...(await target.plan(observation, state, release, inTime())), observation, release }
}

/** Applies steps in order, as the engine does. */
export async function applyAll(target: Target, { steps }: Pick<Planned, 'steps'>, run = testRun()): Promise<string[]> {
  const details: string[] = []
  for (const step of steps) details.push((await target.apply(step, run)).detail ?? '')
  return details
}

/** Reverts steps, newest first, as the engine does. */
export async function revertAll(target: Target, { steps }: Pick<Planned, 'steps'>, run = testRun()): Promise<void> {
  for (const step of [...steps].reverse()) await target.revert(step, run)
}
