import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { neededChange, type ServiceFiles, type Wanted } from '../../../../src/targets/docker/compose/change.ts'
import { discoverDocker } from '../../../../src/targets/docker/discover.ts'

const variable = (name: string): string => '$'.concat(`{${name}}`)

describe('the change that a Compose project needs', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pop-compose-change-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const shop = (image: string) =>
    `# A shop.\nservices:\n  db:\n    image: postgres:16\n  web:\n    restart: always\n    image: ${image}\n`

  interface Asked {
    env?: string | undefined
    wanted?: Wanted
    owned?: Partial<ServiceFiles>
  }

  const neededIn = async (
    compose: string,
    { env, wanted = { tag: '1.1.0', exact: 'shop/web@sha256:b' }, owned }: Asked = {}
  ) => {
    await writeFile(join(dir, 'compose.yaml'), compose)
    if (env !== undefined) await writeFile(join(dir, '.env'), env)
    return neededChange({
      owned: { service: 'web', files: [join(dir, 'compose.yaml')], envFiles: [], workingDir: dir, ...owned },
      fallback: [],
      projectDir: dir,
      wanted
    })
  }
  const needed = (image: string, env?: string) => neededIn(shop(image), { env })

  it('is unknown, and says which file and why, when a file is not safe to parse', async () => {
    await expect(neededIn(`${shop('shop/web:1.2.0')}x: ${'? '.repeat(100_000)}`)).rejects.toMatchObject({
      code: 'unsafe_yaml',
      what: `The Compose file ${join(dir, 'compose.yaml')} was not read`,
      why: 'it is not safe to parse: it is nested deeper than 100 levels'
    })
  })

  it('is not looked for in a file that is not safe to parse, when docker is discovered', async () => {
    await writeFile(join(dir, 'compose.yaml'), `${shop('shop/web:1.2.0')}x: [${',\n'.repeat(90_000)}`)
    expect(await discoverDocker(dir, {})).toBeNull()
  })

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

  it('is named where a default applies, or the variable is not set', async () => {
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
      owned: { service: 'web', files: ['/elsewhere/compose.yaml'], envFiles: [], workingDir: '/elsewhere' },
      fallback: [],
      projectDir: '/nonexistent',
      wanted: { tag: '1.1.0', exact: 'shop/web@sha256:b' }
    })
    expect(change).toMatchObject({ where: null })
  })

  it.each([
    ['a merged map', 'x-base: &base\n  image: shop/web:1.2.0\nservices:\n  web:\n    <<: *base\n', 2],
    [
      'one of several merged',
      'x-a: &a {init: true}\nx-b: &b\n  image: shop/web:1.2.0\nservices:\n  web:\n    <<: [*a, *b]\n',
      3
    ],
    ['an alias', 'x-image: &image shop/web:1.2.0\nservices:\n  web:\n    image: *image\n', 1],
    ['a service it extends', 'services:\n  base:\n    image: shop/web:1.2.0\n  web:\n    extends: base\n', 3],
    [
      'a service it extends by name',
      'services:\n  base:\n    image: shop/web:1.2.0\n  web:\n    extends: {service: base}\n',
      3
    ]
  ])('is found through %s', async (_, compose, line) => {
    expect(await neededIn(compose)).toMatchObject({
      where: `compose.yaml, line ${line}`,
      what: 'change the tag 1.2.0 to 1.1.0'
    })
  })

  it('is found in a file that is extended or included', async () => {
    await mkdir(join(dir, 'common'))
    await writeFile(join(dir, 'common/base.yaml'), shop('shop/web:1.2.0'))
    const common = { where: 'base.yaml, line 7', what: 'change the tag 1.2.0 to 1.1.0' }
    const extending = 'services:\n  web:\n    extends: {file: common/base.yaml, service: web}\n'
    expect(await neededIn(extending)).toMatchObject(common)
    expect(await neededIn('include: [common/base.yaml]\n')).toMatchObject(common)
    expect(await neededIn('include: [{path: [common/base.yaml]}]\n')).toMatchObject(common)
  })

  it('ends where files extend each other in a circle', async () => {
    const circle = 'services:\n  web:\n    extends: {file: compose.yaml, service: web}\n'
    expect(await neededIn(circle)).toMatchObject({ where: null })
  })

  it('is in the file that --env-file named, the last of them first, else in the folder of the project', async () => {
    await mkdir(join(dir, 'deploy'))
    await writeFile(join(dir, 'prod.env'), 'TAG=1.2.0\n')
    await writeFile(join(dir, 'more.env'), 'OTHER=1\nTAG=1.2.1\n')
    await writeFile(join(dir, 'deploy/.env'), '\nTAG=1.2.2\n')
    const image = shop(`shop/web:${variable('TAG')}`)
    const files = (...names: string[]) => ({ owned: { envFiles: names.map((name) => join(dir, name)) } })
    const env = 'TAG=1.1.0\n'
    expect(await neededIn(image, { env, ...files('prod.env') })).toMatchObject({ where: 'prod.env, line 1' })
    expect(await neededIn(image, { env, ...files('prod.env', 'more.env') })).toMatchObject({
      where: 'more.env, line 2'
    })
    expect(await neededIn(image, { env, owned: { workingDir: join(dir, 'deploy') } })).toMatchObject({
      where: '.env, line 2',
      what: 'change TAG=1.2.2 to TAG=1.1.0'
    })
    expect(await neededIn(image, { env, owned: { workingDir: join(dir, 'nowhere') } })).toBeNull()
  })

  it('says that the digest decides, whatever the tag before it', async () => {
    const [a, b] = ['a', 'b'].map((letter) => `sha256:${letter.repeat(64)}`)
    const wanted = { tag: '1.1.0', exact: `shop/web@${b}` }
    expect(await neededIn(shop(`shop/web:1.2.0@${a}`), { wanted })).toMatchObject({
      what: `change shop/web:1.2.0@${a} to shop/web:1.1.0@${b}`
    })
    expect(await neededIn(shop(`shop/web:1.1.0@${a}`), { wanted })).not.toBeNull()
    expect(await neededIn(shop(`shop/web:1.2.0@${b}`), { wanted })).toBeNull()
  })

  it('is the exact image where no tag names the candidate', async () => {
    const wanted = { tag: null, exact: `shop/web@sha256:${'b'.repeat(64)}` }
    expect(await neededIn(shop('shop/web:latest'), { wanted })).toMatchObject({
      where: 'compose.yaml, line 7',
      what: `change the image shop/web:latest to ${wanted.exact}`
    })
    expect(await neededIn(shop(wanted.exact), { wanted })).toBeNull()
  })

  it('is in the variable that holds the whole image', async () => {
    const image = variable('WEB_IMAGE')
    expect(await needed(image, 'WEB_IMAGE=shop/web:1.2.0\n')).toMatchObject({
      where: '.env, line 1',
      what: 'set WEB_IMAGE to shop/web:1.1.0'
    })
    expect(await needed(image, 'WEB_IMAGE=shop/web:1.1.0\n')).toBeNull()
    expect(await needed(variable('WEB_IMAGE:-shop/web:1.1.0'))).toBeNull()
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

  it('names the image that is merged into the service', async () => {
    expect(await found('x-base: &base {image: "shop/web:1.2.0"}\nservices:\n  web:\n    <<: *base\n')).toMatchObject({
      config: { image_name: 'shop/web' }
    })
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
