import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import { type NpmProject, npmProject } from '../../testkit/npm/package-project.ts'
import { describeOn } from '../harness/describe-on.ts'
import { type Session, session } from './claude-code.ts'
import { type Script, shown } from './scripted-model.ts'

/** A model that runs commands one after the other. */
const shell = (...inputs: { command: string; run_in_background?: boolean }[]): Script =>
  function* () {
    for (const input of inputs) yield { call: 'Bash', input: { description: 'Deploy', ...input } }
    yield { say: 'Done.' }
    yield { say: 'Done again.' }
  }

const line = /[^\n]*\/popkit-ops:deploy rollback[^\n]*/g

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describeOn('host', 'a failed deployment in Claude Code', () => {
  let project: NpmProject
  beforeEach(async () => {
    project = await npmProject(inject('backends').npm ?? {})
  })
  afterEach(() => project.remove())

  const run = (...inputs: { command: string; run_in_background?: boolean }[]): Promise<Session> =>
    session({
      prompt: 'deploy',
      projectDir: project.dir,
      env: project.env,
      scripts: { main: shell(...inputs) },
      person: () => true
    })
  /** What the model was told, each line as often as it was told. */
  const told = ({ requests }: Session): string[] =>
    shown(requests.at(-1) ?? { system: '', messages: [], tools: [] }).match(line) ?? []

  test('npm publish of a version that exists tells the model the way back, once', async () => {
    const seen = await run({ command: 'npm publish' }, { command: 'npm publish' }, { command: 'ls' })
    expect(seen.calls.map(({ isError }) => isError)).toEqual([true, true, false])
    expect(told(seen)).toHaveLength(1)
    expect(told(seen)[0]).toMatch(/`npm publish` exited 1 at .* the last good version of npm is 1\.1\.0/)
  })

  test('the same behind a pipe is found in the output', async () => {
    const seen = await run({ command: 'npm publish 2>&1 | tail -20' })
    expect(seen.calls[0]?.isError).toBe(false)
    expect(told(seen)).toHaveLength(1)
    expect(told(seen)[0]).toContain('the last good version of npm is 1.1.0')
  })

  test('the same in the background is told when the host hears of its end', async () => {
    const seen = await run({ command: 'npm publish', run_in_background: true }, { command: 'sleep 8' })
    expect(told(seen)).toHaveLength(1)
    expect(told(seen)[0]).toContain('`npm publish` in the background exited 1')
  })

  test('a command that was not permitted is no failed deployment', async () => {
    const seen = await session({
      prompt: 'deploy',
      projectDir: project.dir,
      env: project.env,
      scripts: { main: shell({ command: 'npm publish' }, { command: 'echo' }) },
      person: ({ input }) => input.command !== 'npm publish'
    })
    expect(seen.calls[0]?.isError).toBe(true)
    expect(told(seen)).toEqual([])
  })

  test('success adds nothing', async () => {
    const seen = await run({ command: 'npm version 1.3.0 --no-git-tag-version && npm publish' }, { command: 'false' })
    expect(seen.calls[0]?.isError).toBe(false)
    expect(told(seen)).toEqual([])
    expect(await project.latest()).toBe('1.3.0')
  })
})
