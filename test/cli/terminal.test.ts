import { expect, test } from 'vitest'
import { confirm, refuseUnderAgent } from '../../src/cli/terminal.ts'
import { createMask } from '../../src/support/mask.ts'

test.each([
  { CLAUDECODE: '' },
  { CLAUDECODE: '1' },
  { COPILOT_AGENT: '1' },
  { WINDSURF: '' },
  { AI_AGENT: 'goose' },
  { AMP_CURRENT_THREAD_ID: 'T-1' },
  { GOOSE_TERMINAL: '1' },
  { CLINE_ACTIVE: 'true' },
  { TERM_PROGRAM: 'vscode', GIT_PAGER: 'cat' },
  { TERM_PROGRAM: 'zed', PAGER: 'cat' }
])('the shell with %j is an agent’s', (env) => {
  expect(() => refuseUnderAgent(env)).toThrow(expect.objectContaining({ code: 'agent_host' }))
})

test.each([
  {},
  { TERM_PROGRAM: 'vscode' },
  { PAGER: 'cat' },
  { GIT_PAGER: 'cat', TERM_PROGRAM: 'tmux' },
  { COPILOT_GITHUB_TOKEN: 'x' }
])('the shell with %j is a person’s', (env) => {
  expect(() => refuseUnderAgent(env)).not.toThrow()
})

test('a question that shows a word takes no other answer', async () => {
  const answered = (answer: string) =>
    confirm(
      { interactive: true, ask: async () => answer, pick: async () => null, progress: () => undefined },
      { env: {}, mask: createMask() },
      'Roll back?',
      '4821'
    )
  await expect(answered('4821')).resolves.toBeUndefined()
  for (const answer of ['y', 'yes', '', '482', '48211'])
    await expect(answered(answer)).rejects.toMatchObject({ code: 'declined' })
})
