import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findToken } from '../../../src/http/credentials.ts'
import { createMask } from '../../../src/support/mask.ts'
import { tokenSources } from '../../../src/targets/netlify/token.ts'

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pop-netlify-'))
  await mkdir(join(home, '.config/netlify'), { recursive: true })
})

afterEach(() => rm(home, { recursive: true, force: true }))

const login = (config: unknown): Promise<void> =>
  writeFile(join(home, '.config/netlify/config.json'), JSON.stringify(config))
const found = () => findToken(tokenSources({ HOME: home }), createMask())

test('the login of the netlify program is that of its present user', async () => {
  const users = { ann: { auth: { token: 'nfp_ann' } }, bob: { auth: { token: 'nfp_bob' } } }
  await login({ userId: 'bob', users })
  expect(await found()).toEqual({ token: 'nfp_bob', from: 'the login of the netlify program' })
})

test('a login file of another shape, or of nobody, is passed over', async () => {
  for (const config of [[], {}, { userId: 'ann', users: { bob: { auth: { token: 'nfp_bob' } } } }, { users: 7 }]) {
    await login(config)
    expect(await found()).toBeNull()
  }
})
