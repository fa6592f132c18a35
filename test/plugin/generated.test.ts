import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { withBlock } from '../../scripts/generate/generator.ts'
import { identityFrom } from '../../scripts/generate/identity.ts'
import { ofTargets } from '../../scripts/generate/of-targets.ts'
import { outdated } from '../../scripts/generate.ts'
import { targetTypes } from '../../src/targets/index.ts'
import { newShelf, shelfTarget, typeInMemory } from '../../testkit/in-memory-target.ts'

const read = (file: string): string => readFileSync(join(import.meta.dirname, '../..', file), 'utf8')

/** The repository's files with another package.json. */
const withPackage = (changes: object) => (file: string) =>
  file === 'package.json' ? `${JSON.stringify({ ...JSON.parse(read(file)), ...changes }, null, 2)}\n` : read(file)

const repository = (url: string) => ({ repository: { type: 'git', url } })

describe('generated files', () => {
  test('are what npm run generate writes', () => {
    expect([...outdated().keys()], 'run npm run generate').toEqual([])
  })

  test('a fork changes repository in package.json, and everything follows', () => {
    const texts = outdated(withPackage(repository('git+https://github.com/acme/back-to-good.git')))
    expect([...texts.keys()].sort()).toEqual([
      '.claude-plugin/plugin.json',
      'README.md',
      'examples/github-actions.yml',
      'package.json',
      'server.json'
    ])
    const json = (file: string) => JSON.parse(texts.get(file) ?? '')
    expect(json('package.json').mcpName).toBe('io.github.acme/pop-deploy-rollback')
    expect(json('server.json')).toMatchObject({
      name: 'io.github.acme/pop-deploy-rollback',
      repository: { url: 'https://github.com/acme/back-to-good', source: 'github' }
    })
    expect(json('.claude-plugin/plugin.json').repository).toBe('https://github.com/acme/back-to-good')
    expect(texts.get('README.md')).toContain('claude plugin marketplace add acme/back-to-good`')
    expect(texts.get('examples/github-actions.yml')?.match(/uses: acme\/back-to-good@v\d/g)).toHaveLength(3)
    const { owner } = /github\.com\/(?<owner>[^/]+)\//.exec(read('package.json'))?.groups ?? {}
    for (const [file, text] of texts) expect(text, file).not.toContain(`${owner}/`)
  })

  test('a version is changed in package.json, and everything follows', () => {
    const texts = outdated(withPackage({ version: '9.8.7' }))
    expect([...texts.keys()].sort()).toEqual([
      '.claude-plugin/plugin.json',
      'examples/github-actions.yml',
      'server.json',
      'src/version.ts'
    ])
    for (const [file, text] of texts) expect(text, file).toContain('9.8.7')
  })

  test('a repository in another form is refused, with the form that is wanted', () => {
    expect(() => outdated(withPackage(repository('git@example.com:acme/x.git')))).toThrow(
      'repository.url in package.json is "git@example.com:acme/x.git". Write it as git+https://github.com/<owner>/<name>.git.'
    )
  })

  test('a block is replaced and the text around it stays; a missing block is an error', () => {
    const text = 'before\n<!-- generated: a -->\nold\n<!-- /generated -->\nafter\n'
    expect(withBlock(text, 'a', ['new'])).toBe(text.replace('old', 'new'))
    expect(() => withBlock(text, 'b', [])).toThrow('There is no block "b"')
  })
})

describe('a target that is added to the list', () => {
  const added = typeInMemory(async () => shelfTarget(newShelf()), {
    label: 'Shelf',
    hosts: ['shelf.example.com'],
    token: { name: 'shelf', title: 'Shelf token', description: 'Shelf key' }
  })

  test.each([
    ['.claude-plugin/plugin.json', ['Netlify, Vercel and Shelf.', '"shelf_token"', '"shelf.example.com"']],
    ['.mcp.json', ['"POP_ROLLBACK_SHELF_TOKEN": ', '{user_config.shelf_token}"']],
    ['server.json', ['"POP_ROLLBACK_SHELF_TOKEN"', '"Shelf key"']],
    ['README.md', ['| `shelf` | putting an earlier version in front | nothing | `POP_ROLLBACK_SHELF_TOKEN` |']],
    ['skills/pop-deploy-rollback/SKILL.md', ['Netlify, Vercel or Shelf.']],
    ['src/hooks/deploy-tools.ts', ['"shelf deploy"']],
    ['schema/deploy.schema.json', ['"Settings of a Shelf target"']]
  ])('appears in %s', async (file, parts) => {
    const generators = await ofTargets({ ...targetTypes, shelf: async () => ({ default: added }) })
    const text = generators.find((one) => one.file === file)?.text(read(file), identityFrom(read))
    for (const part of parts) expect(text).toContain(part)
  })
})

describe('dependencies', () => {
  test('are pinned to the version that the lock file has', () => {
    const { packages } = JSON.parse(read('package-lock.json'))
    for (const [name, version] of Object.entries(JSON.parse(read('package.json')).devDependencies))
      expect(packages[`node_modules/${name}`].version, name).toBe(version)
  })
})
