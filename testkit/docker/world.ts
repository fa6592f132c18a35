import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { DeploymentRecord } from '../../src/model/deployment-record.ts'
import type { Observation } from '../../src/model/observation.ts'
import type { PlanDraft } from '../../src/model/plan.ts'
import type { Release } from '../../src/model/release.ts'
import type { Step } from '../../src/model/step.ts'
import { createEngine } from '../../src/targets/docker/engine/client.ts'
import { connect } from '../../src/targets/docker/engine/connect.ts'
import docker_ from '../../src/targets/docker/index.ts'
import type { Run, Target, TargetContext } from '../../src/targets/target.ts'
import { targetContext, testRun } from '../target-context.ts'
import { docker, imagesMade } from './images.ts'

/** A corner of the engine with names of its own, cleaned up at the end. */
export interface World {
  /** Unique, in every name: containers, networks, volumes. */
  prefix: string
  /** In the private registry. */
  repository: string
  /** `docker run -d`, named; gives the id. */
  start(name: string, version: string, ...options: string[]): Promise<string>
  /** Creates and starts a container as an older client does, which says more than the docker command may. */
  create(name: string, body: Record<string, unknown>): Promise<void>
  open(parts?: Partial<TargetContext>): Promise<Target>
  names(): Promise<string[]>
  clear(): Promise<void>
  remove(): Promise<void>
}

/** The variables that choose the engine of the tests, as the docker command reads them. */
export const engineOfTests = (): Record<string, string> =>
  Object.fromEntries(
    ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'].flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    })
  )

export function createWorld(registry = '127.0.0.1:5000'): World {
  const prefix = `popt${randomBytes(4).toString('hex')}`
  const repository = `${registry}/${prefix}/web`
  const targets: Target[] = []
  const listed = (...args: string[]) => docker(...args).then((text) => text.split('\n').filter(Boolean))
  const containers = () => listed('ps', '-a', '--filter', `name=${prefix}`, '--format', '{{.Names}}')
  const left = async () => [
    ...(await containers()),
    ...(await listed('ps', '-aq', '--filter', `label=world=${prefix}`))
  ]
  const clear = async (): Promise<void> => {
    // An engine that was just restarted, or is still removing one, refuses at first.
    await until('every container removed', async () => {
      const names = await left()
      if (names.length > 0) await docker('rm', '-f', '-v', ...names)
      return names.length === 0
    })
    for (const target of targets.splice(0)) await target.close?.()
  }
  return {
    prefix,
    repository,
    start: (name, version, ...options) => {
      const split = options.indexOf('--')
      const flags = split < 0 ? options : options.slice(0, split)
      const command = split < 0 ? [] : options.slice(split + 1)
      return docker('run', '-d', '--name', `${prefix}-${name}`, ...flags, `${repository}:${version}`, ...command)
    },
    async create(name, body) {
      const engine = createEngine(await connect({}, process.env))
      const id = await engine.containers.create(`${prefix}-${name}`, body, signal())
      await engine.containers.start(id, signal())
      engine.close()
    },
    async open(parts = {}) {
      const [host = '', path = ''] = [
        repository.slice(0, repository.indexOf('/')),
        repository.slice(repository.indexOf('/') + 1)
      ]
      const config = docker_.configSchema.parse({
        image_name: path,
        registry: host,
        settle_seconds: 1,
        ...(parts.config as object)
      })
      const env = { ...engineOfTests(), ...parts.env }
      const context = targetContext({ name: 'docker', projectDir: '/nonexistent', ...parts, config, env })
      const target = await docker_.open(context)
      targets.push(target)
      return target
    },
    names: async () => (await containers()).sort(),
    clear,
    async remove() {
      await clear()
      for (const kind of ['network', 'volume'] as const) {
        const found = await listed(kind, 'ls', '--filter', `name=${prefix}`, '--format', '{{.Name}}')
        if (found.length > 0) await docker(kind, 'rm', ...found).catch(() => undefined)
      }
      for (const image of imagesMade(repository)) await docker('rmi', '-f', image).catch(() => undefined)
    }
  }
}

export const signal = (): AbortSignal => AbortSignal.timeout(200_000)

export const record = (parts: Partial<DeploymentRecord> & { version: string }): DeploymentRecord => ({
  at: '2026-01-01T00:00:00.000Z',
  target: 'docker',
  status: 'success',
  ...parts
})

export function releaseOf(observation: Observation, version: string): Release {
  const release = observation.releases.find((item) => item.version === version)
  if (!release)
    throw new Error(`no release ${version} among ${observation.releases.map((item) => item.version).join(', ')}`)
  return release
}

export interface Planned {
  observation: Observation
  release: Release
  draft: PlanDraft
}

export async function planTo(target: Target, version: string): Promise<Planned> {
  const { observation, state } = await target.observe(signal())
  const release = releaseOf(observation, version)
  return { observation, release, draft: await target.plan(observation, state, release, signal()) }
}

/** Why steps that a journal may tell of are none of a plan's, as the target is now. */
export async function mismatchesOf(
  target: Target,
  { observation, release, draft }: Planned,
  steps: readonly Step[] = draft.steps
): Promise<string[] | undefined> {
  const known = { from: observation.current, to: release, ...(await target.observe(signal())), signal: signal() }
  return (await target.reread(steps, known)).mismatches
}

/** Applies the steps of a plan, cure and, when asked, cleanup. */
export async function carryOut(
  target: Target,
  { draft }: Planned,
  options: { cleanup?: boolean; run?: Run } = {}
): Promise<void> {
  const run = options.run ?? testRun()
  for (const step of draft.steps)
    if (step.phase !== 'cleanup' || options.cleanup !== false) await target.apply(step, run)
}

/** Reverts the steps newest first, as after a failed switch. */
export async function takeBack(target: Target, { draft }: Planned, run: Run = testRun()): Promise<void> {
  for (const step of draft.steps.filter(({ phase }) => phase !== 'cleanup').reverse()) await target.revert(step, run)
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the engine tells
export const inspect = async (name: string): Promise<any> => JSON.parse(await docker('container', 'inspect', name))[0]

export async function until<T>(
  what: string,
  ask: () => Promise<T | null | undefined | false>,
  limitMs = 120_000
): Promise<T> {
  const end = Date.now() + limitMs
  for (;;) {
    const found = await ask().catch(() => null)
    if (found) return found
    if (Date.now() > end) throw new Error(`${what}: not within ${limitMs} ms`)
    await wait(100)
  }
}

export const isHealthy = (name: string) =>
  until(`${name} healthy`, async () => (await inspect(name)).State.Health?.Status === 'healthy')
export const isUnhealthy = (name: string) =>
  until(`${name} unhealthy`, async () => (await inspect(name)).State.Health?.Status === 'unhealthy')
