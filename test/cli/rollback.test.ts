import { rm } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { commandLineOf } from '../../src/cli/arguments.ts'
import { exitCodeOf } from '../../src/cli/exit-codes.ts'
import { rollback } from '../../src/cli/rollback.ts'
import { projectPaths } from '../../src/project/paths.ts'
import type { Answer } from '../../src/render/answer.ts'
import { renderError } from '../../src/render/error.ts'
import { systemClock } from '../../src/support/clock.ts'
import { createMask } from '../../src/support/mask.ts'
import { targetTypes } from '../../src/targets/index.ts'
import { newShelf, type Shelf, shelfTarget, typeInMemory } from '../../testkit/in-memory-target.ts'
import { testProject } from '../../testkit/project.ts'

const record = (version: string, status: string, timestamp: string) => ({ target: 'shelf', version, status, timestamp })

/** The command `rollback` in a project of its own, with a person who types the answers at a terminal, or with none. */
async function commandOn(shelf: Shelf, { automatic = false } = {}) {
  targetTypes.shelf = async () => ({ default: typeInMemory(async () => shelfTarget(shelf)) })
  const files = await testProject({
    version: '1.0',
    targets: { shelf: { enabled: true, automatic, config: { rollback: { soak_seconds: 0 } } } },
    history: [
      record('1.2.0', 'failed', '2026-03-18T14:30:00.000Z'),
      record('1.1.0', 'success', '2026-03-10T12:00:00.000Z'),
      record('1.0.0', 'success', '2026-03-01T12:00:00.000Z')
    ]
  })
  await files.commit()
  onTestFinished(async () => {
    delete targetTypes.shelf
    await files.remove()
  })
  const project = { projectDir: files.dir, env: {}, clock: systemClock, log: () => undefined, mask: createMask() }
  const questions: string[] = []
  return {
    lock: projectPaths(files.dir).lockFile('shelf'),
    questions,
    /** Runs it with these options, and answers each question with the next word. */
    async run(options: string[], ...typed: string[]): Promise<{ answer: Answer; code: number }> {
      const line = commandLineOf(['rollback', ...options])
      const flags = line.kind === 'command' ? line.flags : {}
      const terminal = {
        interactive: typed.length > 0,
        ask: async (question: string) => {
          questions.push(question.replace(/\d{4} to confirm/, '… to confirm'))
          const answer = typed.shift() ?? ''
          // who says yes reads the number and types it
          return (answer === 'y' && /Type (\d{4}) to confirm/.exec(question)?.[1]) || answer
        },
        pick: async (_: string, __: unknown, first: string) => first,
        progress: () => undefined
      }
      const cancelled = new AbortController().signal
      const context = { flags, project, terminal, cancelled, say: () => undefined }
      const answer: Answer = await rollback(context).catch((error) => renderError(error, project.mask))
      return { answer, code: exitCodeOf(answer) }
    }
  }
}

type Command = Awaited<ReturnType<typeof commandOn>>

const planFor = async ({ run }: Command, ...options: string[]): Promise<string> => {
  const { answer } = await run(['--dry-run', ...options])
  return String(answer.next[0]?.arguments.plan_id ?? '')
}

const otherPlan = 'plan-00000000-00000000-00000000-00000000'

test('--plan alone carries out that plan', async () => {
  const shelf = newShelf()
  const command = await commandOn(shelf)
  const { code } = await command.run(['--plan', await planFor(command)], 'y')
  expect(code).toBe(0)
  expect(shelf.serving).toBe('1.1.0')
})

test('--plan alone refuses when it is no longer the plan, and asks nobody', async () => {
  const shelf = newShelf({ risks: [{ id: 'moved', serious: true, title: 'Moved', detail: 'to another digest' }] })
  const command = await commandOn(shelf)
  const { answer, code } = await command.run(['--plan', otherPlan], 'y', 'y')
  expect(answer.error).toMatchObject({ code: 'stale_plan' })
  expect(code).toBe(2)
  expect(command.questions).toEqual([])
  expect(shelf.log).toEqual([])
})

test('--plan with --to shows, asks for and carries out the plan of that version', async () => {
  const shelf = newShelf()
  const command = await commandOn(shelf)
  const plan = await planFor(command, '--to', '1.0.0')
  const { code } = await command.run(['--plan', plan, '--to', '1.0.0'], 'y')
  expect(code).toBe(0)
  expect(command.questions).toEqual([
    'Roll back shelf from 1.2.0 to 1.0.0? This will revert the deployment. Type … to confirm: '
  ])
  expect(shelf.serving).toBe('1.0.0')
})

test('--plan of one version with --to of another is refused', async () => {
  const shelf = newShelf()
  const command = await commandOn(shelf)
  const { answer } = await command.run(['--plan', await planFor(command), '--to', '1.0.0'], 'y')
  expect(answer.error).toMatchObject({ code: 'stale_plan' })
  expect(shelf.serving).toBe('1.2.0')
})

test('--auto with another plan than the present one does nothing', async () => {
  const shelf = newShelf()
  const { run } = await commandOn(shelf, { automatic: true })
  expect((await run(['--auto', '--plan', otherPlan])).answer.error).toMatchObject({ code: 'stale_plan' })
  expect(shelf.log).toEqual([])
  expect(await run(['--auto'])).toMatchObject({ code: 0, answer: { outcome: 'succeeded' } })
})

test('--auto never takes a configuration back', async () => {
  const shelf = newShelf()
  const { run } = await commandOn(shelf, { automatic: true })
  expect((await run(['--auto', '--with-config'])).answer.error).toMatchObject({ code: 'usage' })
  expect((await run(['--with-config'])).answer.error).toMatchObject({ code: 'no_with_config' })
  expect(shelf.serving).toBe('1.2.0')
})

test('--auto with a serious risk is a condition missing, not a risk to accept', async () => {
  const shelf = newShelf({ risks: [{ id: 'moved', serious: true, title: 'Moved', detail: 'to another digest' }] })
  const { run } = await commandOn(shelf, { automatic: true })
  for (const options of [['--auto'], ['--auto', '--accept', 'moved']]) {
    const { answer, code } = await run(options)
    expect(code).toBe(6)
    expect(answer.error).toMatchObject({ code: 'not_unattended', why: expect.stringContaining('moved') })
    expect(answer.summary).not.toContain('accept:')
  }
  expect(shelf.log).toEqual([])
})

test('--auto with a blocker is a condition missing', async () => {
  const shelf = newShelf()
  const { run } = await commandOn(shelf, { automatic: true })
  shelf.blockers = [{ id: 'full', what: 'The shelf is full', why: 'no room', next: 'Make room.' }]
  const { answer, code } = await run(['--auto'])
  expect(code).toBe(6)
  expect(answer.summary).toContain('blocked: The shelf is full')
  expect(shelf.log).toEqual([])
})

/** Lets a rollback of this command die within a step, as a killed process leaves it. */
async function dieIn(step: string, shelf: Shelf, { run, lock, questions }: Command): Promise<void> {
  let end = (): void => undefined
  const forTheTest = new Promise<void>((_, reject) => {
    end = () => reject(new Error('killed'))
  })
  const died = new Promise<void>((resolve) => {
    shelf.beforeStep = async (_, { id }) => {
      if (id !== step) return
      resolve()
      await forTheTest
    }
  })
  const ended = run([], 'y')
  // what it holds open is closed when it ends, at last
  onTestFinished(async () => {
    end()
    await ended
  })
  await died
  delete shelf.beforeStep
  questions.length = 0
  await rm(lock)
}

test('on a terminal an interrupted rollback is finished or undone, whichever is chosen', async () => {
  for (const [word, question, serving] of [
    ['finish', /^Finish the interrupted rollback rb-\S+ of shelf, to 1\.1\.0\?/, '1.1.0'],
    ['undo', /^Undo the interrupted rollback rb-\S+ of shelf, back to 1\.2\.0\?/, '1.2.0']
  ] as const) {
    const shelf = newShelf()
    const command = await commandOn(shelf)
    await dieIn('switch', shelf, command)
    await command.run([], word, 'y')
    expect(command.questions).toEqual([
      'Resume the interrupted rollback how? [finish/undo] ',
      expect.stringMatching(question)
    ])
    expect(shelf.serving).toBe(serving)
  }
})

test('--plan chooses between finishing and undoing', async () => {
  const shelf = newShelf()
  const command = await commandOn(shelf)
  await dieIn('switch', shelf, command)
  const { answer: assessed } = await command.run([], 'neither')
  const { undo } = assessed.interrupted as { undo: { id: string } }
  const { answer } = await command.run(['--plan', undo.id], 'y')
  expect(answer).toMatchObject({ outcome: 'undone' })
  expect(shelf.serving).toBe('1.2.0')
})

test('--auto leaves an interrupted rollback to a person', async () => {
  const shelf = newShelf()
  const command = await commandOn(shelf, { automatic: true })
  await dieIn('switch', shelf, command)
  const { answer, code } = await command.run(['--auto'])
  expect(code).toBe(6)
  expect(answer.error).toMatchObject({ why: expect.stringContaining('needs a person') })
})
