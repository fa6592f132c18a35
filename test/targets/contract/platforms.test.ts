import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import githubReleases from '../../../src/targets/github-releases/index.ts'
import netlify from '../../../src/targets/netlify/index.ts'
import pypi from '../../../src/targets/pypi/index.ts'
import vercel from '../../../src/targets/vercel/index.ts'
import { fakeGitHub } from '../../fakes/github/server.ts'
import { newToken, publish } from '../../fakes/github/state.ts'
import { fakeNetlify } from '../../fakes/netlify/server.ts'
import { fakePypi } from '../../fakes/pypi/server.ts'
import { upload } from '../../fakes/pypi/state.ts'
import { fakeVercel } from '../../fakes/vercel/server.ts'
import { fulfilsTheContract } from './contract.ts'

const commits = ['aaaaaaa1'.repeat(5), 'bbbbbbb2'.repeat(5)] as const
const nowhere = 'http://127.0.0.1:9'

async function emptyFolder(): Promise<{ dir: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'pop-contract-'))
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}

describe('the contract of a target, on Vercel', () => {
  fulfilsTheContract(
    async () => vercel,
    async () => {
      const [platform, folder] = [await fakeVercel(), await emptyFolder()]
      for (const commit of commits) platform.deploy(commit)
      const env: Record<string, string> = { ...platform.env, HOME: folder.dir }
      return {
        opening: { env, config: { project_id: platform.projectId, team_id: platform.teamId } },
        elsewhere: { env: { ...env, VERCEL_API_URL: nowhere } },
        secret: env.VERCEL_TOKEN ?? '',
        from: 'bbbbbbb',
        to: 'aaaaaaa',
        remove: async () => void (await Promise.all([platform.stop(), folder.remove()]))
      }
    }
  )
})

describe('the contract of a target, on Netlify', () => {
  fulfilsTheContract(
    async () => netlify,
    async () => {
      const [platform, folder] = [await fakeNetlify(), await emptyFolder()]
      for (const commit of commits) platform.deploy(commit)
      const env = { HOME: folder.dir, NETLIFY_API_URL: platform.api, NETLIFY_AUTH_TOKEN: platform.token }
      return {
        opening: { env, config: { site_id: platform.siteId } },
        elsewhere: { env: { ...env, NETLIFY_API_URL: nowhere } },
        secret: platform.token,
        from: 'bbbbbbb',
        to: 'aaaaaaa',
        remove: async () => void (await Promise.all([platform.stop(), folder.remove()]))
      }
    }
  )
})

describe('the contract of a target, on GitHub', () => {
  fulfilsTheContract(
    async () => githubReleases,
    async () => {
      const [platform, folder] = [await fakeGitHub(), await emptyFolder()]
      for (const tag of ['v1.0.0', 'v1.1.0', 'v1.2.0']) publish(platform.state, tag)
      const secret = newToken(platform.state)
      const env = { PATH: process.env.PATH, HOME: folder.dir, GITHUB_API_URL: platform.api, GITHUB_TOKEN: secret }
      return {
        opening: { projectDir: folder.dir, env, config: { repository: 'acme/app' } },
        elsewhere: { env: { ...env, GITHUB_API_URL: nowhere } },
        secret,
        from: 'v1.2.0',
        to: 'v1.1.0',
        remove: async () => void (await Promise.all([platform.stop(), folder.remove()]))
      }
    }
  )
})

describe('the contract of a target, on a Python index', () => {
  fulfilsTheContract(
    async () => pypi,
    async () => {
      const [index, folder] = [await fakePypi(), await emptyFolder()]
      for (const version of ['1.0.0', '1.1.0', '1.2.0']) upload(index.state, version)
      await writeFile(join(folder.dir, 'pyproject.toml'), '[project]\nname = "demo-project"\ndynamic = ["version"]\n')
      const secret = 'password-of-the-index'
      const withLogin = index.registry.replace('://', `://somebody:${secret}@`)
      return {
        opening: {
          projectDir: folder.dir,
          env: { HOME: folder.dir, TWINE_REPOSITORY_URL: withLogin },
          config: { registry: index.registry }
        },
        elsewhere: { config: { registry: `http://somebody:${secret}@127.0.0.1:9/legacy/` } },
        secret,
        from: '1.2.0',
        to: '1.1.0',
        manual: true,
        remove: async () => void (await Promise.all([index.stop(), folder.remove()]))
      }
    }
  )
})
