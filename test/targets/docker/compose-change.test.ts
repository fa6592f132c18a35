import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { neededChange } from '../../../src/targets/docker/compose/change.ts'
import { discoverDocker } from '../../../src/targets/docker/discover.ts'

const variable = (name: string): string => '$'.concat(`{${name}}`)

describe('the change that a Compose project needs', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pop-compose-change-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const needed = async (image: string, env?: string) => {
    await writeFile(
      join(dir, 'compose.yaml'),
      `# A shop.\nservices:\n  db:\n    image: postgres:16\n  web:\n    restart: always\n    image: ${image}\n`
    )
    if (env !== undefined) await writeFile(join(dir, '.env'), env)
    return neededChange({
      owned: { service: 'web', files: [join(dir, 'compose.yaml')], workingDir: dir },
      projectDir: dir,
      version: '1.1.0'
    })
  }

  it('is the tag in the file, with its line', async () => {
    expect(await needed('shop/web:1.2.0')).toEqual({
      service: 'web',
      where: 'compose.yaml, line 7',
      what: 'change the tag 1.2.0 to 1.1.0'
    })
  })

  it('is the last assignment in .env', async () => {
    expect(
      await needed(`shop/web:${variable('TAG')}`, '# comment\nTAG=1.0.0\nSECRET=hidden\nexport TAG="1.2.0" # now\n')
    ).toMatchObject({
      where: '.env, line 4',
      what: 'change TAG=1.2.0 to TAG=1.1.0'
    })
  })

  it('shows no value that is no tag', async () => {
    const change = await needed(`shop/web:${variable('TAG')}`, 'TAG=p@ss word!\n')
    expect(JSON.stringify(change)).not.toContain('p@ss')
  })

  it('is said where a default stands in, or the variable is set nowhere', async () => {
    expect(await needed(`shop/web:${variable('TAG:-1.2.0')}`)).toMatchObject({
      where: expect.stringContaining('compose.yaml, line 7'),
      what: expect.stringContaining('TAG=1.1.0')
    })
    expect(await needed('shop/web:$TAG')).toMatchObject({ what: expect.stringContaining('TAG=1.1.0') })
  })

  it('is none where the wanted version is written already', async () => {
    expect(await needed('shop/web:1.1.0')).toBeNull()
    expect(await needed(`shop/web:${variable('TAG:-1.1.0')}`)).toBeNull()
    expect(await needed(`shop/web:${variable('TAG')}`, "TAG='1.1.0'\n")).toBeNull()
  })

  it('is said without a line where no file can be read', async () => {
    const change = await neededChange({
      owned: { service: 'web', files: ['/elsewhere/compose.yaml'], workingDir: '/elsewhere' },
      projectDir: '/nonexistent',
      version: '1.1.0'
    })
    expect(change).toMatchObject({ where: null })
  })
})

describe('a project without deploy.json', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pop-discover-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const found = async (compose: string) => {
    await writeFile(join(dir, 'compose.yaml'), compose)
    return discoverDocker(dir, {})
  }

  it('names the image that is built there', async () => {
    expect(
      await found('services: {db: {image: "postgres:16"}, web: {build: ., image: "ghcr.io/shop/web:1.2.0"}}')
    ).toMatchObject({ config: { image_name: 'ghcr.io/shop/web' } })
  })

  it('names the image whose version is filled in', async () => {
    expect(
      await found(`services: {db: {image: "postgres:16"}, web: {image: "shop/web:${variable('TAG:-1')}"}}`)
    ).toMatchObject({ config: { image_name: 'shop/web' } })
  })

  it('names none of several, nor of a file that is broken', async () => {
    expect(await found('services: {db: {image: "postgres:16"}, cache: {image: "redis:7"}}')).toBeNull()
    expect(await found('services: [')).toBeNull()
  })

  it('with a Dockerfile alone is taken to be called like its folder', async () => {
    const [plain, odd] = [join(dir, 'shop-api'), join(dir, 'Shop API')]
    for (const folder of [plain, odd]) {
      await mkdir(folder)
      await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\n')
    }
    expect(await discoverDocker(plain, {})).toMatchObject({ config: { image_name: 'shop-api' } })
    expect(await discoverDocker(odd, {})).toBeNull()
  })
})
