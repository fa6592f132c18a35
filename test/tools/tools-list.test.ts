import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BuiltServer, startServer } from '../../testkit/built-server.ts'
import { type TestProject, testProject } from '../../testkit/project.ts'

let project: TestProject
let server: BuiltServer

beforeAll(async () => {
  project = await testProject()
  server = await startServer({ projectDir: project.dir })
})

afterAll(async () => {
  await server.close()
  await project.remove()
})

test('tools/list is what it was, and at most 3,850 bytes', async () => {
  const { tools } = await server.client.listTools()
  expect(tools).toMatchSnapshot()
  expect(Buffer.byteLength(JSON.stringify(tools))).toBeLessThanOrEqual(3_850)
})

test('every tool has a title, says when to use it, and carries hints that fit what it does', async () => {
  const { tools } = await server.client.listTools()
  expect(tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint, annotations?.destructiveHint])).toEqual(
    [
      ['assess_rollback', true, false],
      ['execute_rollback', false, true],
      ['verify_rollback', true, false],
      ['write_incident', false, false]
    ]
  )
  for (const { title, description } of tools) {
    expect(title).toBeTruthy()
    expect(description).toMatch(/^Use /)
    expect(description?.length).toBeLessThan(2048)
  }
})

test('execute_rollback alone asks the host for a prompt that no rule skips', async () => {
  const { tools } = await server.client.listTools()
  const marked = tools.filter(({ _meta }) => _meta?.['anthropic/requiresUserInteraction'] === true)
  expect(marked.map(({ name }) => name)).toEqual(['execute_rollback'])
})

test('an unknown method is answered with -32601, not with silence', async () => {
  const request = { method: 'server/discover' as never }
  await expect(server.client.request(request, {} as never)).rejects.toMatchObject({ code: -32601 })
})

test('arguments that no tool takes are named as the caller’s fault, in the same outer shape', async () => {
  const answer = await server.call('assess_rollback', { target: 7, surprise: true })
  expect(answer).toMatchObject({ ok: false, isError: true, error: { fault: 'input', code: 'bad_arguments' }, next: [] })
  expect(answer.summary).toContain('Invalid arguments for assess_rollback')
})

test('a project with nothing deployed is told so', async () => {
  const answer = await server.call('assess_rollback')
  expect(answer).toMatchObject({ ok: false, error: { fault: 'input', code: 'no_target' } })
})

test('a type that the program has no code for is refused by name', async () => {
  await project.deploy({ version: '1.0', targets: { fax: { enabled: true, config: {} } } })
  const answer = await server.call('assess_rollback')
  expect(answer).toMatchObject({ ok: false, error: { fault: 'config', code: 'unknown_type' } })
  expect(answer.summary).toContain('fax')
})
