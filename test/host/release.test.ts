import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import { type Monorepo, monorepo } from '../../testkit/npm/monorepo.ts'
import { describeOn } from '../harness/describe-on.ts'
import { agent } from './agent.ts'
import { session } from './claude-code.ts'
import { person, yes } from './person.ts'

const skill = await readFile(join(import.meta.dirname, '../../skills/pop-deploy-rollback/SKILL.md'), 'utf8')

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describeOn('host', 'a release of several packages in Claude Code', () => {
  let packages: Monorepo
  beforeEach(async () => {
    packages = await monorepo(inject('backends').npm ?? {})
  })
  afterEach(() => packages.remove())

  test('whoever names no target gets all of it back, with the same three questions', async () => {
    const seen = await session({
      prompt: '/popkit-ops:deploy rollback',
      projectDir: packages.dir,
      env: packages.env,
      scripts: { main: agent({ skill }) },
      person: person(yes)
    })
    expect(seen.calls.map(({ tool }) => tool)).toEqual([
      'Skill',
      'assess_rollback',
      'assess_rollback',
      'AskUserQuestion',
      'AskUserQuestion',
      'execute_rollback',
      'verify_rollback',
      'AskUserQuestion',
      'write_incident'
    ])
    expect(await packages.latest()).toEqual({ core: '1.1.0', cli: '1.1.0', ui: '1.1.0' })
  })
})
