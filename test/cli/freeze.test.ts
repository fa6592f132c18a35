import { expect, onTestFinished, test } from 'vitest'
import { commandLineOf } from '../../src/cli/arguments.ts'
import { commands } from '../../src/cli/commands.ts'
import type { Answer } from '../../src/render/answer.ts'
import { renderError } from '../../src/render/error.ts'
import { systemClock } from '../../src/support/clock.ts'
import { createMask } from '../../src/support/mask.ts'
import { targetTypes } from '../../src/targets/index.ts'
import { newShelf, shelfTarget, typeInMemory } from '../../testkit/in-memory-target.ts'
import { testProject } from '../../testkit/project.ts'

const record = (version: string, status: string, timestamp: string) => ({ target: 'shelf', version, status, timestamp })

/** The command line in a project whose 1.2.0 has failed, with a person who says yes. */
async function project() {
  const shelf = newShelf()
  targetTypes.shelf = async () => ({ default: typeInMemory(async () => shelfTarget(shelf)) })
  const files = await testProject({
    version: '1.0',
    targets: { shelf: { enabled: true, config: { rollback: { soak_seconds: 0 } } } },
    history: [
      record('1.2.0', 'failed', '2026-03-18T14:30:00.000Z'),
      record('1.1.0', 'success', '2026-03-10T12:00:00.000Z')
    ]
  })
  onTestFinished(async () => {
    delete targetTypes.shelf
    await files.remove()
  })
  const context = { projectDir: files.dir, env: {}, clock: systemClock, log: () => undefined, mask: createMask() }
  return {
    files,
    async run(...args: string[]): Promise<Answer> {
      const terminal = {
        interactive: true,
        ask: async (question: string) => /Type (\d{4}) to confirm/.exec(question)?.[1] ?? 'y',
        pick: async (_: string, __: unknown, first: string) => first,
        progress: () => undefined
      }
      try {
        const line = commandLineOf(args)
        if (line.kind !== 'command') throw new Error('no command')
        const cancelled = new AbortController().signal
        return await commands[line.command]({
          flags: line.flags,
          project: context,
          terminal,
          cancelled,
          say: () => undefined
        })
      } catch (error) {
        return renderError(error, context.mask)
      }
    }
  }
}

test('a version that was rolled back from is frozen with --freeze, and shown until unfreeze', async () => {
  const { run, files } = await project()
  const done = await run('rollback', '--freeze', '--until', '24h', '--reason', 'wrong prices')
  expect(done).toMatchObject({
    outcome: 'succeeded',
    frozen: { target: 'shelf', version: '1.2.0', reason: 'wrong prices' }
  })
  expect(done.summary).toContain('Frozen: 1.2.0 is frozen until')
  expect((await files.deployed()).frozen).toMatchObject([{ target: 'shelf', version: '1.2.0' }])
  expect((await run('status')).summary).toContain('1.2.0 is frozen until')
  expect((await run('assess')).summary).toContain('1.2.0 is frozen until')
  expect(await run('unfreeze', '--target', 'shelf')).toMatchObject({ summary: 'No longer frozen on shelf: 1.2.0' })
  expect((await files.deployed()).frozen).toBeUndefined()
  expect((await run('unfreeze', '--target', 'shelf')).summary).toBe('Nothing is frozen on shelf')
})

test('a rollback without --freeze names the command that freezes', async () => {
  const { run, files } = await project()
  const { summary } = await run('rollback')
  expect(summary).toContain('pop-deploy-rollback freeze --target shelf --version 1.2.0')
  expect((await files.deployed()).frozen).toBeUndefined()
})

test('a frozen version is not recorded as a success without --force; its failure is', async () => {
  const { run, files } = await project()
  await run('freeze', '--target', 'shelf', '--version', '1.2.0', '--reason', 'wrong prices')
  const success = ['record', '--target', 'shelf', '--version', '1.2.0', '--status', 'success']
  const refused = await run(...success)
  expect(refused.error).toMatchObject({ code: 'frozen', why: expect.stringContaining('wrong prices') })
  expect((await files.deployed()).history).toHaveLength(2)
  expect(await run(...success, '--force')).toMatchObject({ ok: true })
  expect(await run('record', '--target', 'shelf', '--version', '1.2.0', '--status', 'failed')).toMatchObject({
    ok: true
  })
})

test.each([
  [['rollback', '--freeze', '--until', 'soon'], 'Invalid end of the freeze'],
  [['freeze', '--target', 'shelf'], 'Invalid freeze'],
  [['freeze', '--target', 'shelf', '--version', '../x'], 'Invalid version'],
  [['freeze', '--target', 'absent', '--version', '1.2.0'], 'absent']
])('%s is refused, and nothing is changed', async (args, why) => {
  const { run, files } = await project()
  const before = await files.deployed()
  const { summary } = await run(...args)
  expect(summary).toContain(why)
  expect(await files.deployed()).toEqual(before)
})
