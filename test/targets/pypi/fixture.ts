import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Observation } from '../../../src/model/observation.ts'
import type { PlanDraft } from '../../../src/model/plan.ts'
import type { Release } from '../../../src/model/release.ts'
import pypi from '../../../src/targets/pypi/index.ts'
import type { Target, TargetContext } from '../../../src/targets/target.ts'
import { targetContext } from '../../../testkit/target-context.ts'
import { type FakePypi, fakePypi } from '../../fakes/pypi/server.ts'
import { upload } from '../../fakes/pypi/state.ts'
import { hastyClock } from '../../harness/hasty-clock.ts'

export interface World {
  pypi: FakePypi
  dir: string
  config: Record<string, unknown>
  open(parts?: Partial<TargetContext>): Promise<Target>
  planTo(
    version: string,
    parts?: Partial<TargetContext>
  ): Promise<PlanDraft & { observation: Observation; target: Target }>
  remove(): Promise<void>
}

/** An index with a good 1.1.0 and a broken 1.2.0 of a project, and the project's folder with its pyproject.toml. */
export async function world(): Promise<World> {
  const fake = await fakePypi()
  const dir = await mkdtemp(join(tmpdir(), 'pop-pypi-'))
  await writeFile(join(dir, 'pyproject.toml'), '[project]\nname = "Demo.Project"\ndynamic = ["version"]\n')
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) upload(fake.state, version)
  const config = { registry: fake.registry }
  const open: World['open'] = async (parts = {}) => {
    const context = targetContext({
      name: 'pypi',
      projectDir: dir,
      env: { HOME: dir },
      config,
      clock: hastyClock(),
      ...parts
    })
    return await pypi.open({ ...context, config: pypi.configSchema.parse(context.config) })
  }
  return {
    pypi: fake,
    dir,
    config,
    open,
    async planTo(version, parts) {
      const target = await open(parts)
      const { observation, state } = await target.observe(limit())
      return {
        target,
        observation,
        ...(await target.plan(observation, state, releaseNamed(observation, version), limit()))
      }
    },
    async remove() {
      await fake.stop()
      await rm(dir, { recursive: true, force: true })
      expect(fake.wrong).toEqual([])
      expect(fake.asked.filter(({ method }) => method !== 'GET')).toEqual([])
    }
  }
}

export const limit = (): AbortSignal => AbortSignal.timeout(50_000)

export function releaseNamed(observation: Observation, version: string): Release {
  const release = observation.releases.find((one) => one.version === version)
  if (!release) throw new Error(`no release ${version}`)
  return release
}
