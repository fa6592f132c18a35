import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findToken } from '../../../src/http/credentials.ts'
import { systemClock } from '../../../src/support/clock.ts'
import { createMask } from '../../../src/support/mask.ts'
import vercelModule from '../../../src/targets/vercel/index.ts'
import { tokenSources } from '../../../src/targets/vercel/token.ts'
import { targetContext } from '../../../testkit/target-context.ts'

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pop-vercel-'))
})

afterEach(() => rm(home, { recursive: true, force: true }))

async function login(auth: unknown): Promise<void> {
  const folder = join(home, '.local/share/com.vercel.cli')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'auth.json'), typeof auth === 'string' ? auth : JSON.stringify(auth))
}

const found = (more: Record<string, string> = {}) =>
  findToken(tokenSources({ HOME: home, ...more }, systemClock), createMask())

const seconds = (): number => Math.floor(Date.now() / 1000)

test('the login of the vercel program is used while it is valid', async () => {
  await login({ token: 'vca_login', expiresAt: seconds() + 3600, refreshToken: 'vcr_x' })
  expect(await found()).toEqual({ token: 'vca_login', from: 'the login of the vercel program' })
  expect(await found({ VERCEL_TOKEN: 'vcp_own' })).toMatchObject({ token: 'vcp_own' })
})

test('a login without an end is used', async () => {
  await login({ token: 'vca_login' })
  expect(await found()).toMatchObject({ token: 'vca_login' })
})

test('a login that has expired is not used, and the way to renew it is told', async () => {
  await login({ token: 'vca_login', expiresAt: seconds() - 1, refreshToken: 'vcr_x' })
  expect(await found()).toBeNull()
  const context = targetContext({ name: 'vercel', projectDir: home, env: { HOME: home } })
  const opened = vercelModule.open({ ...context, config: vercelModule.configSchema.parse({ project_id: 'prj_x' }) })
  await expect(opened).rejects.toMatchObject({ code: 'not_logged_in', next: expect.stringContaining('vercel whoami') })
})

test('a login file of another shape is passed over', async () => {
  for (const auth of ['not json', {}, { token: '' }, { token: 7 }]) {
    await login(auth)
    expect(await found()).toBeNull()
  }
})
