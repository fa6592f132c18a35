import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { completionScripts, completions } from '../../src/cli/completion.ts'
import { type TestProject, testProject } from '../../testkit/project.ts'

describe('what completes a command line', () => {
  let project: TestProject
  beforeAll(async () => {
    project = await testProject({
      version: '1.0',
      targets: { web: { type: 'docker' }, cli: { type: 'npm' } },
      history: [
        { version: '1.2.0', status: 'failed', target: 'web', timestamp: '2026-03-18T14:30:00Z' },
        { version: '1.1.0', status: 'success', target: 'web', timestamp: '2026-03-10T12:00:00Z' },
        { version: '0.9.0', status: 'success', target: 'cli', timestamp: '2026-03-01T12:00:00Z' }
      ]
    })
  })
  afterAll(() => project.remove())

  test.each([
    [['ro'], ['rollback']],
    [['help', 'w'], ['watch']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish']
    ],
    [['rollback', '--dry'], ['--dry-run']],
    [
      ['rollback', '--target', ''],
      ['web', 'cli', 'all']
    ],
    [
      ['rollback', '--target', 'web', '--to', '1'],
      ['1.2.0', '1.1.0']
    ],
    [
      ['rollback', '--to', ''],
      ['1.2.0', '1.1.0', '0.9.0']
    ],
    [
      ['record', '--status', ''],
      ['success', 'failed']
    ],
    [['rollback', '--auto', '--au'], []],
    [['explode', ''], []]
  ])('%j', async (words, found) => {
    expect(await completions(words, {}, project.dir)).toEqual(found)
  })

  test('there is a script for each shell', () => {
    expect(Object.keys(completionScripts)).toEqual(['bash', 'zsh', 'fish'])
  })
})
