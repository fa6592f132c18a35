import { expect, it } from 'vitest'
import type { DeploymentRecord } from '../../../../../src/model/deployment-record.ts'
import { localReleases, withoutTag } from '../../../../../src/targets/docker/containers/observe/local-releases.ts'
import { releaseDetailsSchema } from '../../../../../src/targets/docker/containers/observe/releases.ts'
import { namingRisks } from '../../../../../src/targets/docker/containers/plan/naming-risks.ts'
import type { ImageSummary } from '../../../../../src/targets/docker/objects/schemas.ts'
import { composed, containerNamed } from '../../../../../testkit/docker/container.ts'

const id = (digit: string): string => `sha256:${digit.repeat(64)}`
const label = { 'org.opencontainers.image.version': '1.1.0' }
const image = (digit: string, parts: Partial<ImageSummary> = {}): ImageSummary => ({
  Id: id(digit),
  RepoTags: [],
  RepoDigests: [],
  ...parts
})
const older = image('a', { Labels: label, Created: 1_000 })
const newer = image('b', { Labels: label, Created: 2_000 })
const served = (version: string, digest: string): DeploymentRecord => ({
  at: '2026-03-10T09:00:00.000Z',
  target: 'docker',
  version,
  status: 'success',
  digest
})

const risksOf = (images: ImageSummary[], history: DeploymentRecord[] = []) => {
  const release = localReleases(images, 'web', history).get('1.1.0')
  if (!release) throw new Error('no release 1.1.0')
  return { id: release.id, risks: namingRisks(release, releaseDetailsSchema.parse(release.details)) }
}

it('a tag beats a label, whatever is newer, and the text says which image is meant and why', () => {
  const tagged = { ...older, RepoTags: ['web:1.1.0'] }
  for (const images of [
    [tagged, newer],
    [newer, tagged]
  ])
    expect(risksOf(images)).toMatchObject({
      id: id('a'),
      risks: [{ serious: false, detail: expect.stringMatching(/uses a{12} .*because it has the tag.*Not used: b{12}/) }]
    })
})

it('of several images with one label the newest is taken, and that is a serious risk', () => {
  for (const images of [
    [older, newer],
    [newer, older]
  ])
    expect(risksOf(images)).toMatchObject({
      id: id('b'),
      risks: [{ id: 'image_by_label:1.1.0', serious: true, detail: expect.stringMatching(/b{12}.*Not used: a{12}/) }]
    })
})

it('a single image with a label is a risk that is not serious', () => {
  expect(risksOf([older])).toMatchObject({ risks: [{ id: 'image_by_label:1.1.0', serious: false }] })
})

it('a recorded image beats a tag and a label', () => {
  const images = [newer, image('c', { RepoTags: ['web:1.1.0'], Created: 3_000 }), older]
  expect(risksOf(images, [served('1.1.0', id('a'))])).toEqual({ id: id('a'), risks: [] })
})

it('the recorded identity of a release is its id, be it an image id or a digest', () => {
  const pushed = image('a', { RepoDigests: [`web@${id('d')}`] })
  for (const recorded of [id('a'), id('d')])
    expect(localReleases([pushed], 'web', [served('build-101', recorded)]).get('build-101')?.id).toBe(recorded)
})

it('an image without a tag is found by its record, by a stopped container, and by the labels of Compose', () => {
  const workload = {
    containers: [containerNamed('shop-web-1', { labels: composed('shop', 'web') })],
    retired: [containerNamed('web-old', { image: id('c') })]
  }
  const images = [
    image('a'),
    image('b', { Labels: composed('shop', 'web') }),
    image('c'),
    image('d', { Labels: composed('other', 'web') }),
    image('e', { RepoTags: ['postgres:16'] })
  ]
  expect(withoutTag(images, workload, [served('build-101', id('a'))]).map(({ Id }) => Id)).toEqual([
    id('a'),
    id('b'),
    id('c')
  ])
})
