import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { programEnv } from '../../src/support/program-env.ts'
import { runProgram } from '../../src/support/run-program.ts'

/** Tokens and passwords of this server and of others; no program gets one of them by inheritance. */
const secrets = [
  'POP_ROLLBACK_GITHUB_TOKEN',
  'GH_TOKEN',
  'GITHUB_TOKEN',
  'GH_ENTERPRISE_TOKEN',
  'NPM_TOKEN',
  'NODE_AUTH_TOKEN',
  'VERCEL_TOKEN',
  'VERCEL_AUTOMATION_BYPASS_SECRET',
  'NETLIFY_AUTH_TOKEN',
  'TWINE_PASSWORD',
  'PIP_INDEX_URL',
  'ANTHROPIC_API_KEY',
  'DATABASE_URL',
  'NODE_OPTIONS',
  'LD_PRELOAD',
  'GIT_SSH_COMMAND',
  'GIT_EXTERNAL_DIFF',
  'BASH_ENV'
]

const logins = [
  'AWS_SECRET_ACCESS_KEY',
  'AZURE_CLIENT_ID',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'DBUS_SESSION_BUS_ADDRESS'
]

const needed: Record<string, string[]> = {
  git: [],
  gh: ['GH_CONFIG_DIR', 'DBUS_SESSION_BUS_ADDRESS'],
  ssh: ['SSH_AUTH_SOCK'],
  npm: ['npm_config_registry'],
  helm: ['HELM_CACHE_HOME', 'KUBECONFIG', ...logins],
  'docker-compose': ['DOCKER_CONFIG', 'COMPOSE_PROJECT_NAME', 'SSH_AUTH_SOCK', ...logins],
  'docker-credential-ecr-login': ['DOCKER_CONFIG', ...logins],
  'anything-else': []
}

const usual = ['HOME', 'HTTPS_PROXY', 'LC_ALL', 'PATH', 'SSL_CERT_FILE', 'XDG_CONFIG_HOME', 'no_proxy']

describe('a child process', () => {
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pop-program-env-'))
    for (const program of Object.keys(needed)) {
      await writeFile(join(dir, program), '#!/bin/sh\n/usr/bin/env | /usr/bin/cut -d= -f1\n')
      await chmod(join(dir, program), 0o755)
    }
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  const everything = Object.fromEntries(
    [...secrets, ...Object.values(needed).flat(), ...usual].map((name) => [name, name])
  )

  test.each(Object.entries(needed))('%s gets the usual variables and its own, and no other', async (program, own) => {
    const { stdout } = await runProgram(program, [], { env: { ...everything, PATH: dir }, limitMs: 10_000 })
    const shell = ['PWD', 'SHLVL', '_', 'OLDPWD']
    const got = stdout.split('\n').filter((name) => name && !shell.includes(name))
    expect(got.sort()).toEqual([...usual, ...own].sort())
  })

  test('a login program of a kubeconfig gets the variables of clouds, and no other secret', () => {
    const got = programEnv('kubectl-login', { ...everything, AAD_LOGIN_METHOD: 'msi' })
    expect(got).toMatchObject({ AZURE_CLIENT_ID: 'AZURE_CLIENT_ID', KUBECONFIG: 'KUBECONFIG', AAD_LOGIN_METHOD: 'msi' })
    expect(Object.keys(got).filter((name) => secrets.includes(name))).toEqual([])
  })

  test('is not found in the folder where the server runs, whatever PATH says', async () => {
    for (const PATH of ['.', '', `:${join(dir, 'nowhere')}`, './']) {
      const call = { env: { PATH }, cwd: dir, limitMs: 10_000 }
      expect(await runProgram('helm', [], call)).toMatchObject({ problem: 'cannot_run' })
    }
  })

  test('is started in one place, and in another that asks for the same variables', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    const starters = files.filter((file) =>
      /(from |import\()'(node:child_process|execa)'/.test(readFileSync(`src/${file}`, 'utf8'))
    )
    // The action runs on a runner of its own, and starts only this program and git.
    const others = starters.filter((file) => !file.startsWith('action/'))
    expect(others.sort()).toEqual(['support/run-program.ts', 'targets/docker/engine/ssh.ts'])
    expect(readFileSync('src/targets/docker/engine/ssh.ts', 'utf8')).toMatch(
      /spawn\('ssh', [^;]*?env: programEnv\('ssh', env\)/
    )
  })
})
