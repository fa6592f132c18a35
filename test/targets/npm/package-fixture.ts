import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Observation } from '../../../src/model/observation.ts'
import type { PlanDraft } from '../../../src/model/plan.ts'
import type { Release } from '../../../src/model/release.ts'
import npm from '../../../src/targets/npm/index.ts'
import type { Target, TargetContext } from '../../../src/targets/target.ts'
import { type Publication, publish } from '../../../testkit/npm/publish.ts'
import { npmrc } from '../../../testkit/npm/registry.ts'
import { targetContext } from '../../../testkit/target-context.ts'
import { type Fault, type FaultyRegistry, faultyRegistry } from './proxy.ts'

let count = 0

/** A name that no other test uses. */
export const freshName = (scope = ''): string => `${scope}pop-${process.pid}-${Date.now().toString(36)}-${count++}`

export interface Project {
  name: string
  dir: string
  /** Nothing of the machine's own npm configuration is seen. */
  env: NodeJS.ProcessEnv
  publish(version: string, more?: Partial<Publication>): Promise<string>
  remove(): Promise<void>
}

/** A folder with package.json, and a user's npmrc that holds a login. */
export async function project(backend: Record<string, string>, token?: string, name = freshName()): Promise<Project> {
  const dir = await mkdtemp(join(tmpdir(), 'pop-project-'))
  const registry = backend.url ?? ''
  await writeFile(join(dir, 'package.json'), JSON.stringify({ name, version: '1.0.0' }))
  await writeFile(join(dir, 'user-npmrc'), npmrc(registry, token ?? backend.writer ?? ''))
  return {
    name,
    dir,
    env: {
      PATH: process.env.PATH,
      HOME: dir,
      npm_config_userconfig: join(dir, 'user-npmrc'),
      npm_config_globalconfig: join(dir, 'none')
    },
    publish: (version, more) => publish(registry, backend.writer ?? '', { name, version, ...more }),
    remove: () => rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Opens the target for a project, as the engine does. */
export async function open({ dir, env }: Project, parts: Partial<TargetContext> = {}): Promise<Target> {
  const context = targetContext({ name: 'npm', projectDir: dir, env, ...parts })
  return await npm.open({ ...context, config: npm.configSchema.parse(context.config) })
}

export const limit = (): AbortSignal => AbortSignal.timeout(50_000)

/** Moves a tag past the target, as somebody else would. */
export async function moveTag(
  backend: Record<string, string>,
  name: string,
  tag: string,
  version: string
): Promise<void> {
  const response = await fetch(`${backend.url}-/package/${name.replace('/', '%2f')}/dist-tags/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${backend.writer}` },
    body: JSON.stringify(version)
  })
  if (!response.ok) throw new Error(`the tag was not moved: ${response.status}`)
}

export function releaseNamed(observation: Observation, version: string): Release {
  const release = observation.releases.find((one) => one.version === version)
  if (!release) throw new Error(`no release ${version}`)
  return release
}

/** Observes and plans the steps to a version. */
export async function planTo(target: Target, version: string): Promise<PlanDraft> {
  const { observation, state } = await target.observe(limit())
  return await target.plan(observation, state, releaseNamed(observation, version), limit())
}

export interface Bench {
  backend: Record<string, string>
  fresh(token?: string, name?: string): Promise<Project>
  /** Puts a registry with a fault between the project and the real one. */
  behind(made: Project, fault: Fault, token?: string): Promise<FaultyRegistry>
  cleanUp(): Promise<void>
}

/** Makes projects and faulty registries, and takes all of them away again. */
export function bench(backend: Record<string, string>): Bench {
  const cleanups: (() => Promise<void>)[] = []
  return {
    backend,
    async fresh(token, name) {
      const made = await project(backend, token, name)
      cleanups.push(made.remove)
      return made
    },
    async behind(made, fault, token = backend.writer ?? '') {
      const faulty = await faultyRegistry(backend.url ?? '', fault)
      cleanups.push(faulty.stop)
      await writeFile(join(made.dir, 'user-npmrc'), npmrc(faulty.url, token))
      return faulty
    },
    async cleanUp() {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    }
  }
}
