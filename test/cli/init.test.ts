import { expect, onTestFinished, test } from 'vitest'
import { commandLineOf } from '../../src/cli/arguments.ts'
import { init } from '../../src/cli/init.ts'
import type { Health } from '../../src/model/observation.ts'
import { readDeployFile } from '../../src/project/deploy-file.ts'
import { projectPaths } from '../../src/project/paths.ts'
import type { Answer } from '../../src/render/answer.ts'
import { renderError } from '../../src/render/error.ts'
import { systemClock } from '../../src/support/clock.ts'
import { createMask } from '../../src/support/mask.ts'
import { targetTypes } from '../../src/targets/index.ts'
import { newShelf, shelfTarget, typeInMemory } from '../../testkit/in-memory-target.ts'
import { testProject } from '../../testkit/project.ts'

/** The command in an empty project in which a shelf is found; a person types the answers, or nobody is there. */
async function commandIn({ health, found = true }: { health?: Partial<Health>; found?: boolean } = {}) {
  const target = shelfTarget(newShelf())
  const definition = typeInMemory(async () => ({
    ...target,
    async observe(signal) {
      const { observation, state } = await target.observe(signal)
      return { observation: { ...observation, health: { ...observation.health, ...health } }, state }
    }
  }))
  const discover = async () => (found ? { config: { place: 'hall' }, because: 'a shelf stands there' } : null)
  targetTypes.shelf = async () => ({ default: { ...definition, discover } })
  const files = await testProject()
  onTestFinished(async () => {
    delete targetTypes.shelf
    await files.remove()
  })
  const project = { projectDir: files.dir, env: {}, clock: systemClock, log: () => undefined, mask: createMask() }
  return {
    written: () => readDeployFile(projectPaths(files.dir), {}),
    run: async (options: string[], ...typed: string[]): Promise<Answer> => {
      const line = commandLineOf(['init', ...options])
      const flags = line.kind === 'command' ? line.flags : {}
      const terminal = {
        interactive: typed.length > 0,
        ask: async () => typed.shift() ?? '',
        pick: async (_: string, __: unknown, first: string) => first,
        progress: () => undefined
      }
      const cancelled = new AbortController().signal
      return init({ flags, project, terminal, cancelled, say: () => undefined }).catch((error) =>
        renderError(error, project.mask)
      )
    }
  }
}

test.each([
  ['--yes', ['--yes'], []],
  ['a person who says yes', [], ['y']]
])('%s writes what was found, and records what serves well', async (_, options, typed) => {
  const { run, written } = await commandIn({ health: { state: 'healthy' } })
  expect(await run(options, ...typed)).toMatchObject({ ok: true, targets: [{ target: 'shelf', recorded: '1.2.0' }] })
  const file = await written()
  expect(file?.targets.get('shelf')).toMatchObject({ enabled: true, primary: true, config: { place: 'hall' } })
  expect(file?.entries.shelf?.automatic).toBe(false)
  expect(file?.records).toMatchObject([{ version: '1.2.0', status: 'success', digest: expect.any(String) }])
})

test.each([
  ['nobody is there', []],
  ['a person says no', ['n']]
])('nothing is written where %s', async (_, typed) => {
  const { run, written } = await commandIn()
  expect(await run([], ...typed)).toMatchObject({ ok: false, error: { code: 'not_confirmed' } })
  expect(await written()).toBeNull()
})

test.each<[string, Partial<Health>]>([
  ['is degraded', { state: 'degraded', message: 'fails its health check' }],
  ['only runs', { state: 'healthy', unchecked: true, message: 'has no health check' }]
])('what %s is not recorded as good', async (_, health) => {
  const { run, written } = await commandIn({ health })
  const { summary } = await run(['--yes'])
  expect(summary).toContain(`${health.message}. If you know that it serves well: pop-deploy-rollback record`)
  expect((await written())?.records).toEqual([])
})

test('a deploy.json that is there stays as it is', async () => {
  const { run, written } = await commandIn()
  await run(['--yes'])
  const before = (await written())?.text
  expect(await run(['--yes'])).toMatchObject({ error: { code: 'deploy_file_exists' } })
  expect((await written())?.text).toBe(before)
})

test('a project in which nothing is found is told so', async () => {
  const { run, written } = await commandIn({ found: false })
  expect(await run(['--yes'])).toMatchObject({ error: { code: 'nothing_found' } })
  expect(await written()).toBeNull()
})
