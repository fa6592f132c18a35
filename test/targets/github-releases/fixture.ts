import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Observation } from '../../../src/model/observation.ts'
import type { PlanDraft } from '../../../src/model/plan.ts'
import type { Release } from '../../../src/model/release.ts'
import githubReleases from '../../../src/targets/github-releases/index.ts'
import type { Target, TargetContext } from '../../../src/targets/target.ts'
import { targetContext } from '../../../testkit/target-context.ts'
import { type FakeGitHub, fakeGitHub } from '../../fakes/github/server.ts'
import { newToken, publish, type TokenState } from '../../fakes/github/state.ts'
import { hastyClock } from '../../harness/hasty-clock.ts'

export interface World {
  github: FakeGitHub
  dir: string
  token: string
  env: NodeJS.ProcessEnv
  /** Opens the target as the engine does. */
  open(parts?: Partial<TargetContext>): Promise<Target>
  /** Observes and plans the steps to a release. */
  planTo(tag: string, parts?: Partial<TargetContext>): Promise<PlanDraft & { observation: Observation; target: Target }>
  /** What GitHub now calls the latest, asked plainly. */
  latest(): Promise<string>
  remove(): Promise<void>
}

/** A repository with a good v1.1.0 and a broken v1.2.0, and a project that knows it; the fake holds every request against the API. */
export async function world(token: Partial<TokenState> = {}): Promise<World> {
  const github = await fakeGitHub()
  const dir = await mkdtemp(join(tmpdir(), 'pop-github-'))
  publish(github.state, 'v1.0.0')
  publish(github.state, 'v1.1.0')
  publish(github.state, 'v1.2.0')
  const value = newToken(github.state, token)
  const env = { PATH: process.env.PATH, HOME: dir, GITHUB_API_URL: github.api, GITHUB_TOKEN: value }
  const open: World['open'] = async (parts = {}) => {
    const context = targetContext({
      name: 'github_releases',
      projectDir: dir,
      env,
      config: { repository: 'acme/app' },
      clock: hastyClock(),
      ...parts
    })
    return await githubReleases.open({ ...context, config: githubReleases.configSchema.parse(context.config) })
  }
  return {
    github,
    dir,
    token: value,
    env,
    open,
    async planTo(tag, parts) {
      const target = await open(parts)
      const { observation, state } = await target.observe(limit())
      return {
        target,
        observation,
        ...(await target.plan(observation, state, releaseNamed(observation, tag), limit()))
      }
    },
    async latest() {
      const response = await fetch(`${github.url}/acme/app/releases/latest`, { redirect: 'manual' })
      return response.headers.get('location')?.split('/').at(-1) ?? ''
    },
    async remove() {
      await github.stop()
      await rm(dir, { recursive: true, force: true })
      expect(github.wrong).toEqual([])
      expect(github.storage.wrong).toEqual([])
    }
  }
}

export const limit = (): AbortSignal => AbortSignal.timeout(50_000)

export function releaseNamed(observation: Observation, version: string): Release {
  const release = observation.releases.find((one) => one.version === version)
  if (!release) throw new Error(`no release ${version}`)
  return release
}
