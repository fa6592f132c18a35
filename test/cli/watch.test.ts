import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { commandLineOf } from '../../src/cli/arguments.ts'
import { exitCodeOf } from '../../src/cli/exit-codes.ts'
import { watch } from '../../src/cli/watch.ts'
import type { JsonObject } from '../../src/model/json.ts'
import type { Answer } from '../../src/render/answer.ts'
import { renderError } from '../../src/render/error.ts'
import { createMask } from '../../src/support/mask.ts'
import { targetTypes } from '../../src/targets/index.ts'
import { newShelf, type Shelf, shelfTarget, typeInMemory } from '../../testkit/in-memory-target.ts'
import { testProject } from '../../testkit/project.ts'
import { hastyClock } from '../harness/hasty-clock.ts'

const record = (target: string) => ({
  target,
  version: '1.1.0',
  status: 'success',
  timestamp: '2026-03-10T12:00:00.000Z'
})

/** The command `watch` in a project with a shelf for each name; what a version answers with is its status. */
async function projectWith(
  shelves: Record<string, Shelf>,
  statuses: Record<string, number>,
  { automatic = false, interactive = false } = {}
) {
  const targets: Record<string, JsonObject> = {}
  for (const [name, shelf] of Object.entries(shelves)) {
    targetTypes[name] = async () => ({ default: typeInMemory(async () => shelfTarget(shelf)) })
    const server = createServer((_, response) => void response.writeHead(statuses[shelf.serving] ?? 200).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    targets[name] = { automatic, config: { rollback: { soak_seconds: 0 } }, signals: [{ name: 'shop', http: { url } }] }
  }
  const files = await testProject({ version: '1.0', targets, history: Object.keys(shelves).map(record) })
  await files.commit()
  onTestFinished(async () => {
    for (const name of Object.keys(shelves)) delete targetTypes[name]
    await files.remove()
  })
  const said: string[] = []
  const lines: string[] = []
  return {
    said,
    history: async () => (await files.deployed()).history as JsonObject[],
    lines,
    async run(...options: string[]): Promise<{ answer: Answer; code: number }> {
      const line = commandLineOf(['watch', ...options])
      const flags = line.kind === 'command' ? line.flags : {}
      const project = { projectDir: files.dir, env: {}, clock: hastyClock(), log: () => undefined, mask: createMask() }
      const progress = (line: string, isLast: boolean) => void lines.push(`${isLast ? '' : '~'}${line}`)
      const terminal = { interactive, ask: async () => '', pick: async () => null, progress }
      const cancelled = new AbortController().signal
      const context = { flags, project, terminal, cancelled, say: (text: string) => void said.push(text) }
      const answer: Answer = await watch(context).catch((error) => renderError(error, project.mask))
      return { answer, code: exitCodeOf(answer) }
    }
  }
}

const healthy = (): Shelf => newShelf({ health: { '1.2.0': 'healthy', '1.1.0': 'healthy' } })

test('a version that serves well ends with 0 and is recorded, with plain lines on the way', async () => {
  const { run, said, history } = await projectWith({ shelf: healthy() }, {})
  const { answer, code } = await run('--for', '5s')
  expect(code).toBe(0)
  expect(answer).toMatchObject({ ok: true, verdict: 'healthy', target: 'shelf', version: '1.2.0', recorded: true })
  expect(said[0]).toBe('Watching shelf for 5s.')
  expect(said[1]).toMatch(/^shelf 1\.2\.0: 0 ms of 5s, well: the shelf says healthy; shop 200$/)
  expect((await history())[0]).toMatchObject({ version: '1.2.0', status: 'success', digest: 'sha256:1.2.0' })
})

test('a terminal shows one live line, and keeps the lines at which something changed', async () => {
  const { run, lines } = await projectWith({ shelf: healthy() }, {}, { interactive: true })
  await run('--for', '4s')
  expect(lines[0]).toMatch(/^shelf 1\.2\.0: 0 ms of 4s, well/)
  expect(lines.length).toBeGreaterThan(3)
  for (const line of lines.slice(1, -1)) expect(line).toMatch(/^~shelf 1\.2\.0: \d+s of 4s, well/)
  expect(lines.at(-1)).toMatch(/^shelf 1\.2\.0: 4s of 4s, well/)
})

test('a bad signal ends with 1, is recorded as the failure of the version, and nothing is rolled back', async () => {
  const shelf = healthy()
  const { run, history } = await projectWith({ shelf }, { '1.2.0': 503 })
  const { answer, code } = await run('--target', 'shelf', '--for', '5s')
  expect(code).toBe(1)
  expect(answer.summary).toMatch(/^shelf: 1\.2\.0 FAILED, seen since .* UTC: .*answers 503\. Recorded as failed\.$/)
  expect((await history())[0]).toMatchObject({ status: 'failed', error: expect.stringContaining('answers 503') })
  expect(shelf.serving).toBe('1.2.0')
})

test('--auto rolls a failed version back as rollback --auto does, and ends with 1', async () => {
  const shelf = healthy()
  const { run, history } = await projectWith({ shelf }, { '1.2.0': 503 }, { automatic: true })
  const { answer, code } = await run('--for', '5s', '--auto')
  expect(answer).toMatchObject({
    watched: 'unhealthy',
    outcome: 'succeeded',
    rolled_back: true,
    incident: expect.any(String)
  })
  expect(code).toBe(1)
  expect(shelf.serving).toBe('1.1.0')
  expect((await history()).map(({ status }) => status)).toEqual(['rolled_back', 'failed', 'success'])
})

test('--auto without the committed permission says so at the beginning, and ends with 6', async () => {
  const shelf = healthy()
  const { run, said } = await projectWith({ shelf }, { '1.2.0': 503 })
  const { answer, code } = await run('--for', '5s', '--auto')
  expect(code).toBe(6)
  expect(answer.error).toMatchObject({ code: 'not_unattended' })
  expect(said.join('\n')).toContain('--auto will not roll shelf back')
  expect(shelf.serving).toBe('1.2.0')
})

test('--target all watches side by side, and rolls back only what failed', async () => {
  const [shop, site] = [healthy(), newShelf({ serving: '1.1.0', health: { '1.1.0': 'healthy' } })]
  const { run, history } = await projectWith({ shop, site }, { '1.2.0': 503 }, { automatic: true })
  const { answer, code } = await run('--target', 'all', '--for', '3s', '--auto')
  expect(code).toBe(1)
  expect(answer.targets).toMatchObject([
    { target: 'shop', watched: 'unhealthy', rolled_back: true },
    { target: 'site', verdict: 'healthy' }
  ])
  expect(shop.serving).toBe('1.1.0')
  const [newest] = (await history()).filter(({ target }) => target === 'site')
  expect(newest).toMatchObject({ version: '1.1.0', status: 'success' })
})

test.each(['soon', '0s', '7h'])('--for %s is refused', async (time) => {
  const { run } = await projectWith({ shelf: healthy() }, {})
  const { answer, code } = await run('--for', time)
  expect(code).toBe(2)
  expect(answer.error).toMatchObject({ code: 'usage', why: expect.stringContaining(time) })
})
