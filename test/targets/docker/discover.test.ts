import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { discoverDocker } from '../../../src/targets/docker/discover.ts'

let parent: string
let dir: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'pop-discover-'))
  dir = join(parent, 'My.Shop')
  await mkdir(dir)
})
afterEach(() => rm(parent, { recursive: true }))

const imageOf = async (text: string, env = {}): Promise<unknown> => {
  await writeFile(join(dir, 'compose.yaml'), text)
  return (await discoverDocker(dir, env))?.config.image_name
}

it.each([
  ['the folder', 'services: {web: {build: .}, db: {image: postgres}}', {}, 'myshop-web'],
  ['the file', 'name: shop\nservices: {web: {build: .}}', {}, 'shop-web'],
  ['the environment', 'name: shop\nservices: {web: {build: .}}', { COMPOSE_PROJECT_NAME: 'test' }, 'test-web'],
  [
    'the file, for the one that publishes ports',
    'name: shop\nservices: {web: {build: ., ports: ["80"]}, job: {build: ./job}}',
    {},
    'shop-web'
  ],
  ['its own name', 'services: {web: {build: ., image: "acme/web:$TAG"}, db: {image: postgres}}', {}, 'acme/web']
])('a service that is built is found under the image that Compose names after %s', async (_, text, env, image) => {
  expect(await imageOf(text, env)).toBe(image)
})

it('several services that are built leave it open which one is meant', async () => {
  expect(await imageOf('services: {web: {build: ./web}, job: {build: ./job}}')).toBeUndefined()
})
