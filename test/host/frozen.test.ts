import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import { type NpmProject, npmProject } from '../../testkit/npm/package-project.ts'
import { describeOn } from '../harness/describe-on.ts'
import { type Session, session } from './claude-code.ts'
import { shown } from './scripted-model.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describeOn('host', 'a frozen version in Claude Code', () => {
  let project: NpmProject
  beforeEach(async () => {
    project = await npmProject(inject('backends').npm ?? {})
    const path = join(project.dir, '.claude/popkit/deploy.json')
    const file = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(
      path,
      JSON.stringify({ ...file, frozen: [{ target: 'npm', version: '1.3.0', reason: 'wrong prices' }] })
    )
  })
  afterEach(() => project.remove())

  /** A session whose rules allow every command, and whose person says no when asked all the same. */
  const run = (command: string): Promise<Session> =>
    session({
      prompt: 'deploy',
      projectDir: project.dir,
      env: project.env,
      scripts: {
        main: function* () {
          yield { call: 'Bash', input: { description: 'Deploy', command } }
          yield { say: 'Done.' }
        }
      },
      person: () => false,
      more: { allowedTools: ['Bash'] }
    })
  const told = ({ requests }: Session): string =>
    shown(requests.at(-1) ?? { system: '', messages: [], tools: [] }).match(/1\.3\.0 was rolled back[^\n<]*/)?.[0] ?? ''

  test('is asked about before a command that names it, although a rule allows the command', async () => {
    const seen = await run('npm version 1.3.0 --no-git-tag-version && npm publish')
    expect(seen.prompts).toMatchObject([{ tool: 'Bash' }])
    expect(seen.calls[0]?.isError).toBe(true)
    expect(await project.latest()).not.toBe('1.3.0')
  })

  test('is told before a command that names no version, which runs', async () => {
    const seen = await run('npm publish')
    expect(seen.prompts).toEqual([])
    expect(told(seen)).toContain(
      '1.3.0 was rolled back on npm and is frozen (deploy.json gives the reason "wrong prices")'
    )
  })

  test('says nothing before other commands', async () => {
    const seen = await run('echo 1.3.0')
    expect(seen.prompts).toEqual([])
    expect(told(seen)).toBe('')
  })
})
