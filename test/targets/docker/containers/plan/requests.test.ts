import { expect, it } from 'vitest'
import { configSchema } from '../../../../../src/targets/docker/config.ts'
import { createDockerTarget } from '../../../../../src/targets/docker/target.ts'
import { targetContext } from '../../../../../testkit/target-context.ts'
import { engineThat } from '../../engine/engine-that.ts'

const webId = 'a'.repeat(64)
const web = {
  Id: webId,
  Name: '/web',
  Created: '2026-03-18T12:00:00Z',
  Image: 'sha256:new',
  State: { Status: 'running', Running: true },
  Config: {
    Image: '127.0.0.1:1/web:1.2.0',
    Labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' }
  },
  HostConfig: { NetworkMode: 'default' },
  NetworkSettings: { Networks: {} },
  Mounts: []
}

const listed = (name: string, more: object = {}) => ({
  Id: Buffer.from(name).toString('hex').padEnd(64, '0'),
  Names: [`/${name}`],
  Image: 'other:1',
  ImageID: 'sha256:other',
  State: 'running',
  Created: Date.parse('2026-03-18T13:00:00Z') / 1000,
  HostConfig: { NetworkMode: 'default' },
  ...more
})

const ofCompose = (project: string, dependsOn: string) => ({
  Labels: {
    'com.docker.compose.project': project,
    'com.docker.compose.service': 'side',
    'com.docker.compose.depends_on': dependsOn
  }
})

const images = ['1.1.0', '1.2.0'].map((version) => ({
  Id: version === '1.2.0' ? 'sha256:new' : 'sha256:old',
  RepoTags: [`127.0.0.1:1/web:${version}`],
  RepoDigests: [],
  Created: 1
}))

/** Assesses a rollback of `web` on an engine with other containers; gives what was asked. */
async function asked(others: object[]): Promise<string[]> {
  const known: [RegExp, unknown][] = [
    [/\/info$/, { OSType: 'linux', Architecture: 'x86_64' }],
    [
      /\/containers\/json/,
      [listed('web', { Id: webId, Image: '127.0.0.1:1/web:1.2.0', ImageID: 'sha256:new' }), ...others]
    ],
    [/\/images\/json/, images],
    [new RegExp(`/containers/${webId}/json$`), web],
    [/\/containers\/[0-9a-f]{64}\/json$/, { ...web, Name: '/other' }],
    [/\/changes$/, []],
    [/\/images\/[^/]*new\/json$/, { ...images[1], Created: undefined }],
    [/\/images\/[^/]*old\/json$/, { ...images[0], Created: undefined, Os: 'linux', Architecture: 'amd64' }]
  ]
  const { engine, seen } = await engineThat(({ url = '' }, response) => {
    const answer = known.find(([path]) => path.test(decodeURIComponent(url)))
    response.writeHead(answer ? 200 : 404).end(JSON.stringify(answer ? answer[1] : { message: 'no such thing' }))
  })
  const config = configSchema.parse({ image_name: '127.0.0.1:1/web' })
  const context = { ...targetContext({ name: 'docker', projectDir: '/nonexistent' }), config }
  const target = createDockerTarget(context, engine)
  const signal = AbortSignal.timeout(20_000)
  const { observation, state } = await target.observe(signal)
  const release = observation.releases.find(({ version }) => version === '1.1.0')
  expect(release).toBeDefined()
  if (release) await target.plan(observation, state, release, signal)
  return seen.map(({ url }) => url)
}

it.each([
  ['services of other projects', ofCompose('other', 'web:service_started:true')],
  ['services of the project that do not depend on it', ofCompose('shop', 'db:service_started:true')],
  ['in networks of others', { HostConfig: { NetworkMode: `container:${'b'.repeat(64)}` }, State: 'exited' }],
  ['started by hand', {}]
])('an assessment asks for no more on an engine with many containers: %s', async (_, more) => {
  const others = (count: number) => Array.from({ length: count }, (_, index) => listed(`other${index}`, more))
  expect((await asked(others(100))).length).toBe((await asked(others(10))).length)
})

it('asks for a service that Compose built on the one that is replaced', async () => {
  const side = listed('side', ofCompose('shop', 'web:service_started:true'))
  expect(await asked([side])).toContainEqual(expect.stringContaining(side.Id))
})
