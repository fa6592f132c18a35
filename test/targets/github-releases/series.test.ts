import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testRun } from '../../../testkit/target-context.ts'
import { publish } from '../../fakes/github/state.ts'
import { limit, releaseNamed, type World, world } from './fixture.ts'

describe('GitHub releases in series', () => {
  let it: World
  beforeEach(async () => {
    it = await world()
    it.github.state.releases = []
    for (const tag of ['@acme/core@1.0.0', '@acme/core@1.1.0', '@acme/cli@2.0.0']) publish(it.github.state, tag)
  })
  afterEach(() => it.remove())
  const configured = (series: string, more = {}) => ({ config: { repository: 'acme/app', series, ...more } })
  const state = (tag: string) => it.github.state.releases.find((one) => one.tag === tag)

  test('candidates are those of the series of the latest release, and the others are named', async () => {
    publish(it.github.state, '@acme/cli@2.1.0')
    const { observation } = await it.planTo('@acme/cli@2.0.0')
    expect(observation.releases.map(({ version }) => version)).toEqual(['@acme/cli@2.0.0'])
    expect(observation.notes.join()).toMatch(
      /several series.*about @acme\/cli; set `series` for another: @acme\/core\./
    )
  })

  test.each(['@acme/core', '@acme/core@'])(
    'series %s: its newest release is what users get, and the mark of another series stays',
    async (series) => {
      const { steps, blockers, observation, target } = await it.planTo('@acme/core@1.0.0', configured(series))
      expect(observation.current?.version).toBe('@acme/core@1.1.0')
      expect(blockers).toEqual([])
      expect(steps.map(({ kind, phase }) => [kind, phase])).toEqual([['withdraw', 'switch']])
      const [step] = steps
      if (!step) throw new Error('no step')
      await target.apply(step, testRun())
      expect(state('@acme/core@1.1.0')).toMatchObject({ prerelease: true })
      expect(state('@acme/cli@2.0.0')).toMatchObject({ prerelease: false })
      expect(await it.latest()).toContain('cli')
      const good = releaseNamed(observation, '@acme/core@1.0.0')
      const { checks } = await target.check(good, { signal: limit() })
      expect(checks.map(({ status }) => status)).toEqual(checks.map(() => 'pass'))
      await target.revert(step, testRun())
      expect(state('@acme/core@1.1.0')).toMatchObject({ prerelease: false })
      expect(await it.latest()).toContain('cli')
    }
  )

  test('every newer release of the series is withdrawn, and more than one is a serious risk', async () => {
    publish(it.github.state, '@acme/core@1.2.0', { makeLatest: false })
    const { steps, risks } = await it.planTo('@acme/core@1.0.0', configured('@acme/core'))
    expect(steps).toHaveLength(2)
    expect(risks).toMatchObject([{ id: 'withdraws_more:@acme/core@1.1.0', serious: true }])
  })

  test('where the newer release is to be kept, nothing can be done, and that is said', async () => {
    const { steps, blockers } = await it.planTo(
      '@acme/core@1.0.0',
      configured('@acme/core', { failed_release: 'keep' })
    )
    expect(steps).toEqual([])
    expect(blockers).toMatchObject([{ id: 'no_mark:@acme/core@1.0.0' }])
  })
})
