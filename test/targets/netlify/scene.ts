import { test as base, expect } from 'vitest'
import type { DeploymentRecord } from '../../../src/model/deployment-record.ts'
import netlifyModule from '../../../src/targets/netlify/index.ts'
import type { Target } from '../../../src/targets/target.ts'
import { targetContext } from '../../../testkit/target-context.ts'
import { type FakeNetlify, fakeNetlify } from '../../fakes/netlify/server.ts'

export const commits = { oldest: 'aaaaaaa1'.repeat(5), good: 'bbbbbbb2'.repeat(5), broken: 'ccccccc3'.repeat(5) }
export const signal = () => AbortSignal.timeout(50_000)

/** A test on a Netlify of its own, which has an older deploy, a good one, and a broken one, which is published. */
export const test = base.extend<{ netlify: FakeNetlify }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs
  async netlify({}, use) {
    const netlify = await fakeNetlify()
    netlify.deploy(commits.oldest)
    netlify.deploy(commits.good)
    netlify.deploy(commits.broken, { page: { status: 500, text: 'Internal error' } })
    await use(netlify)
    await netlify.stop()
    expect(netlify.wrong).toEqual([])
  }
})

export const envOf = (netlify: FakeNetlify) => ({
  NETLIFY_API_URL: netlify.api,
  NETLIFY_AUTH_TOKEN: netlify.token
})

/** The target on its own. */
export function open(
  netlify: FakeNetlify,
  config: Record<string, unknown> = {},
  history: DeploymentRecord[] = []
): Promise<Target> {
  const context = targetContext({ name: 'netlify', projectDir: '/nowhere', env: envOf(netlify), history })
  return netlifyModule.open({
    ...context,
    config: netlifyModule.configSchema.parse({ site_id: netlify.siteId, ...config })
  })
}

export async function planned(netlify: FakeNetlify, config: Record<string, unknown> = {}) {
  const target = await open(netlify, config)
  const { observation, state } = await target.observe(signal())
  const release = observation.releases.find(({ version }) => version === 'bbbbbbb')
  if (!release) throw new Error('no release')
  const draft = await target.plan(observation, state, release, signal())
  const [step] = draft.steps
  if (!step) throw new Error('no step')
  return { target, observation, release, draft, step }
}
