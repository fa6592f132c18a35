import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileNameOf, findProject, projectPaths } from '../../src/project/paths.ts'

describe('findProject', () => {
  let root: string
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'pop-paths-')))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const folder = (...parts: string[]): string => {
    const dir = join(root, ...parts)
    mkdirSync(dir, { recursive: true })
    return dir
  }

  it('takes CLAUDE_PROJECT_DIR before roots and working directory', () => {
    const named = folder('named', '.git', '..')
    const other = folder('other', '.git', '..')
    expect(findProject({ env: { CLAUDE_PROJECT_DIR: named }, cwd: other, roots: [other] })).toBe(join(root, 'named'))
  })

  it('walks up to the nearest folder that holds .claude/popkit or .git', () => {
    folder('repo', '.git')
    folder('repo', 'service', '.claude', 'popkit')
    const deep = folder('repo', 'service', 'src', 'deep')
    expect(findProject({ env: {}, cwd: deep })).toBe(join(root, 'repo', 'service'))
    expect(findProject({ env: {}, cwd: folder('repo', 'library', 'src') })).toBe(join(root, 'repo'))
  })

  it('takes a .git file of a worktree as a mark', () => {
    const tree = folder('tree', 'src')
    writeFileSync(join(root, 'tree', '.git'), 'gitdir: elsewhere\n')
    expect(findProject({ env: {}, cwd: tree })).toBe(join(root, 'tree'))
  })

  it('stays where it started when no folder above is marked', () => {
    const bare = folder('bare')
    expect(findProject({ env: {}, cwd: bare })).toBe(bare)
  })

  it('takes the first root that has a deploy.json, given as URI or path', () => {
    const first = folder('first', '.git', '..')
    const second = folder('se cond', '.claude', 'popkit')
    writeFileSync(join(second, 'deploy.json'), '{}')
    const roots = ['https://example.com/x', 'file://%zz', first, pathToFileURL(join(root, 'se cond')).href]
    expect(findProject({ env: {}, cwd: root, roots })).toBe(join(root, 'se cond'))
    expect(findProject({ env: {}, cwd: root, roots: [first] })).toBe(join(root, 'first'))
    expect(findProject({ env: {}, cwd: first, roots: ['file:///no/such/folder'] })).toBe(join(root, 'first'))
  })

  it('refuses a CLAUDE_PROJECT_DIR that is no folder, and passes over one that the host did not fill in', () => {
    const env = { CLAUDE_PROJECT_DIR: join(root, 'gone') }
    expect(() => findProject({ env, cwd: root })).toThrow(/gone, which is no folder/)
    const bare = folder('bare')
    expect(findProject({ env: { CLAUDE_PROJECT_DIR: ['$', '{CLAUDE_PROJECT_DIR}'].join('') }, cwd: bare })).toBe(bare)
  })
})

describe('projectPaths', () => {
  it('gives every target a lock of its own inside the rollbacks folder, whatever its name', () => {
    const { lockFile, rollbacksDir } = projectPaths('/p')
    expect(lockFile('docker')).toBe(join(rollbacksDir, 'docker.lock'))
    const hostile = [
      '../../x',
      'Docker',
      'docker/',
      '',
      '.',
      '..',
      'a b',
      'a-b',
      'x'.repeat(10_000),
      '\u202e',
      'con\0',
      '-rf'
    ]
    const files = hostile.map(lockFile)
    for (const file of files) expect(join(rollbacksDir, basename(file))).toBe(file)
    for (const name of hostile) expect(fileNameOf(name)).toMatch(/^[a-z0-9][a-z0-9_-]{0,79}$/)
    expect(new Set(files).size).toBe(hostile.length)
  })
})
