import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import { isAlive } from '../../src/support/is-alive.ts'
import { type NpmProject, npmProject } from '../../testkit/npm/package-project.ts'
import { describeOn } from '../harness/describe-on.ts'
import { ask, type Data, use } from './agent.ts'
import { session } from './claude-code.ts'
import type { Script } from './scripted-model.ts'

const resume = (label: string) => ({
  question: 'How should the interrupted rollback go on?',
  header: 'Resume',
  options: ['Finish', 'Undo', 'Leave it'].map((option) => ({ label: option, description: option })),
  label
})

const begin: Script = function* () {
  const { plan } = yield* use('assess_rollback')
  yield* use('execute_rollback', { target: 'npm', version: '1.1.0', plan_id: plan.id })
}

const goOn: Script = function* () {
  const { interrupted, target } = yield* use('assess_rollback')
  const choice = yield* ask(resume(''))
  const way = choice === 'Finish' ? interrupted?.finish : choice === 'Undo' ? interrupted?.undo : null
  if (!way) return yield* say('left')
  const { outcome } = yield* use('execute_rollback', { target, version: way.version, plan_id: way.id })
  yield* say(outcome)
}

function* say(words: string) {
  yield { say: words }
}

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describeOn('host', 'a session killed in mid-rollback', () => {
  let project: NpmProject
  let home: string
  beforeEach(async () => {
    project = await npmProject(inject('backends').npm ?? {}, 12)
    home = await mkdtemp(join(tmpdir(), 'pop-home-'))
  })
  afterEach(async () => {
    await project.remove()
    await rm(home, { recursive: true, force: true, maxRetries: 5 })
  })

  const events = async (): Promise<Data[]> => {
    const folder = join(project.dir, '.claude/popkit/rollbacks')
    const journals = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.jsonl'))
    const texts = await Promise.all(journals.sort().map((name) => readFile(join(folder, name), 'utf8')))
    return texts
      .join('')
      .split('\n')
      .filter(Boolean)
      .map((text) => JSON.parse(text) as Data)
  }

  /** Waits until the registry serves the other version, then kills the server and the host above it. */
  async function killInMidway(): Promise<void> {
    while ((await project.latest()) !== '1.1.0') await wait(100)
    const server = (await events()).find(({ event }) => event === 'begun')?.holder.pid as number
    const host = Number(/PPid:\s+(\d+)/.exec(await readFile(`/proc/${server}/status`, 'utf8'))?.[1])
    for (const pid of [host, server]) process.kill(pid, 'SIGKILL')
    while (isAlive({ host: hostname(), pid: server })) await wait(20)
  }

  const settings = (main: Script) => ({
    prompt: '/popkit-ops:deploy rollback --yes',
    projectDir: project.dir,
    env: project.env,
    home,
    scripts: { main }
  })

  test.each([
    ['Finish', '1.1.0', 'succeeded'],
    ['Undo', '1.2.0', 'undone'],
    ['Leave it', '1.1.0', 'left']
  ])('is offered again when it is continued: %s ends at %s', async (label, version, said) => {
    const dying = session({ ...settings(begin), person: () => true }).catch((error: Error) => error)
    await killInMidway()
    expect(String(await dying)).toContain('SIGKILL')
    expect((await events()).some(({ event }) => event === 'ended')).toBe(false)

    const seen = await session({
      ...settings(goOn),
      person: ({ tool, input }) =>
        tool === 'AskUserQuestion' ? { [(input.questions as { question: string }[])[0]?.question ?? '']: label } : true,
      more: { continue: true }
    })
    expect(seen.messages.at(-1)?.result).toBe(said)
    expect(await project.latest()).toBe(version)
    const ended = (await events()).filter(({ event }) => event === 'ended')
    expect(ended).toHaveLength(label === 'Leave it' ? 0 : 1)
  })
})
