import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BuiltServer, startServer } from '../../testkit/built-server.ts'
import { type TestProject, testProject } from '../../testkit/project.ts'

let project: TestProject
let server: BuiltServer

beforeAll(async () => {
  project = await testProject({
    version: '1.0',
    targets: { npm: { enabled: true, config: {} } },
    history: [{ timestamp: '2026-03-18T14:35:00Z', target: 'npm', version: '1.1.0', status: 'success' }]
  })
  const incidents = join(project.dir, '.claude/popkit/incidents')
  await mkdir(incidents, { recursive: true })
  for (const name of ['incident-20260318-143500.md', 'incident-20260318-143500-2.md', 'incident-20260318-143500-10.md'])
    await writeFile(join(incidents, name), `# ${name}`)
  await writeFile(join(incidents, 'incident-notes.md'), 'of somebody else')
  await writeFile(join(project.dir, 'private'), 'private words')
  await symlink('../../../private', join(incidents, 'incident-20260318-143501.md'))
  server = await startServer({ projectDir: project.dir })
})

afterAll(async () => {
  await server.close()
  await project.remove()
})

test('incident reports, newest first, and each target’s history are resources', async () => {
  const { resources } = await server.client.listResources()
  expect(resources.map(({ uri }) => uri)).toEqual([
    'popkit://incidents/incident-20260318-143500-10.md',
    'popkit://incidents/incident-20260318-143500-2.md',
    'popkit://incidents/incident-20260318-143500.md',
    'popkit://history/npm'
  ])
})

test('a report and a history can be read', async () => {
  const read = async (uri: string) => {
    const [content] = (await server.client.readResource({ uri })).contents
    return content && 'text' in content ? content.text : ''
  }
  expect(await read('popkit://incidents/incident-20260318-143500-2.md')).toBe('# incident-20260318-143500-2.md')
  expect(JSON.parse(await read('popkit://history/npm'))).toMatchObject([{ version: '1.1.0', status: 'success' }])
})

test.each([
  'popkit://incidents/../deploy.json',
  'popkit://incidents/incident-notes.md',
  'popkit://incidents/incident-20990101-000000.md',
  'file:///etc/passwd'
])('there is no resource %s', async (uri) => {
  await expect(server.client.readResource({ uri })).rejects.toThrow(/There is no resource/)
})

test('a link in the place of a report is none, even within the project', async () => {
  await expect(server.client.readResource({ uri: 'popkit://incidents/incident-20260318-143501.md' })).rejects.toThrow(
    'There is no resource'
  )
})
