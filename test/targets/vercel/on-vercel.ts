import { test as base, expect } from 'vitest'
import { type FakeVercel, fakeVercel } from '../../fakes/vercel/server.ts'
import { broken, good, oldest } from './scene.ts'

/** An older deployment, a good one, and a broken one, which is production. */
function threeDeployments(vercel: FakeVercel): void {
  vercel.deploy(oldest)
  vercel.deploy(good)
  vercel.deploy(broken, { page: { status: 500, text: 'FUNCTION_INVOCATION_FAILED' } })
}

/** A test on a Vercel of its own, which has what `begin` deploys. */
export const onVercel = (begin = threeDeployments) =>
  base.extend<{ vercel: FakeVercel }>({
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs
    async vercel({}, use) {
      const vercel = await fakeVercel()
      begin(vercel)
      await use(vercel)
      await vercel.stop()
      expect(vercel.wrong).toEqual([])
    }
  })
