import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import { createMask } from '../../../../src/support/mask.ts'
import { readKubeconfig } from '../../../../src/targets/kubernetes/client/kubeconfig.ts'

describe('a kubeconfig', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pop-kubeconfig-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const readAs = async (user: JsonObject, path = join(dir, 'config')) => {
    await writeFile(
      path,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: 'https://cluster.example' } }],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x'
      })
    )
    return readKubeconfig({}, { KUBECONFIG: path }, createMask())
  }
  const exec = (command: string): JsonObject => ({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command } })

  test('has the login program that it names by a path in its own folder, and never in the folder of the project', async () => {
    expect((await readAs(exec('./login'))).user?.exec.command).toBe(join(dir, 'login'))
    expect((await readAs(exec('bin/login'))).user?.exec.command).toBe(join(dir, 'bin/login'))
    expect((await readAs(exec('aws'))).user?.exec.command).toBe('aws')
    expect((await readAs(exec('/usr/bin/aws'))).user?.exec.command).toBe('/usr/bin/aws')
  })

  test('that is not safe to parse is refused before the client parses it', async () => {
    const path = join(dir, 'hostile')
    await writeFile(path, `users: ${'['.repeat(200_000)}`)
    await expect(readKubeconfig({}, { KUBECONFIG: path }, createMask())).rejects.toMatchObject({
      code: 'no_cluster',
      why: `the kubeconfig cannot be used: ${path} is not safe to parse: it is nested deeper than 100 levels`
    })
  })

  test('whose user logs in by a command line of an auth-provider is refused before a shell runs it', async () => {
    const config = { 'cmd-path': '/bin/sh', 'cmd-args': '-c id', 'token-key': '{.x}', 'expiry-key': '{.y}' }
    for (const name of ['gcp', 'azure'])
      await expect(readAs({ 'auth-provider': { name, config } })).rejects.toMatchObject({
        code: 'no_cluster',
        why: expect.stringMatching(/auth-provider.*exec plugin/)
      })
  })

  test('of which KUBECONFIG gives a relative path has its token file beside it', async () => {
    await mkdir(join(dir, 'home'))
    const path = relative(process.cwd(), join(dir, 'home/config'))
    expect((await readAs({ tokenFile: 'token' }, path)).user?.authProvider?.config).toEqual({
      tokenFile: join(dir, 'home/token')
    })
  })
})
