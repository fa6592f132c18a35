import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMask } from '../../../../src/support/mask.ts'
import { callCompose } from '../../../../src/targets/docker/compose/program.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pop-compose-variables-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

test('Compose gets the variables that its files mention, none of the others, and fetches no file from elsewhere', async () => {
  const files = {
    'compose.yaml':
      'include: [more.yml]\nservices: {web: {image: "web:$TAG", env_file: web.env, environment: [DB_WORD]}}\n',
    'more.yml': 'services: {db: {image: "db:$DB_TAG"}}\n',
    'web.env': 'URL=https://$SHOP_HOST/\n',
    '.env': 'OTHER=$FROM_DOT_ENV\n',
    compose: '#!/bin/sh\n/usr/bin/env\n'
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  await chmod(join(dir, 'compose'), 0o755)
  const mentioned = ['TAG', 'DB_WORD', 'DB_TAG', 'SHOP_HOST', 'FROM_DOT_ENV']
  const others = ['GH_TOKEN', 'NPM_TOKEN', 'POP_ROLLBACK_GITHUB_TOKEN', 'DATABASE_URL']
  const env = Object.fromEntries([...mentioned, ...others].map((name) => [name, `value-of-${name}`]))
  const docker = { env, config: {}, projectDir: dir, mask: createMask(), engine: { trusted: true } }
  const call = { signal: AbortSignal.timeout(20_000), limitMs: 20_000 }
  const printed = await callCompose(docker, join(dir, 'compose'), ['--file', 'compose.yaml', 'config'], call)
  const got = Object.fromEntries(printed.split('\n').map((line) => line.split('=')))
  expect(got).toMatchObject(Object.fromEntries(mentioned.map((name) => [name, env[name]])))
  expect(others.filter((name) => name in got)).toEqual([])
  expect(got).toMatchObject({ COMPOSE_EXPERIMENTAL_GIT_REMOTE: 'false', COMPOSE_EXPERIMENTAL_OCI_REMOTE: 'false' })
})
