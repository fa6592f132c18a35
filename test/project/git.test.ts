import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commitExists, commitOfVersion, commitsBetween, filesChanged, git } from '../../src/project/git.ts'
import { createRepository, type Repository } from './repository.ts'

describe('git', () => {
  let repository: Repository
  let bare: string
  let first: string
  let second: string
  let third: string
  beforeAll(() => {
    bare = mkdtempSync(join(tmpdir(), 'pop-no-git-'))
    repository = createRepository()
    first = repository.commit('First', { 'a.txt': '1', 'gone.txt': '1' })
    repository.git('tag', 'v1.1.0')
    repository.git('rm', '--quiet', 'gone.txt')
    second = repository.commit('Second\x1b[31m red \u202e', { 'a.txt': '2', 'näh\n.txt': '1' })
    third = repository.commit('Third', { 'b c.txt': '1' })
    repository.git('tag', '--annotate', '--message', 'x', '1.2.0')
  })
  afterAll(() => {
    repository.remove()
    rmSync(bare, { recursive: true, force: true })
  })

  it('knows which commits exist', async () => {
    expect(await commitExists(repository.dir, first)).toBe(first)
    expect(await commitExists(repository.dir, first.slice(0, 8).toUpperCase())).toBe(first)
    expect(await commitExists(repository.dir, '0'.repeat(40))).toBeNull()
  })

  it('finds the commit of a version, with or without v, annotated or not', async () => {
    expect(await commitOfVersion(repository.dir, '1.1.0')).toBe(first)
    expect(await commitOfVersion(repository.dir, 'v1.1.0')).toBe(first)
    expect(await commitOfVersion(repository.dir, 'v1.2.0')).toBe(third)
    expect(await commitOfVersion(repository.dir, '9.9.9')).toBeNull()
  })

  it.each([
    '',
    '--help',
    '-x',
    'HEAD',
    'main',
    'a..b',
    '1.1.0; rm -rf ~',
    '../../x',
    'x'.repeat(10_000),
    '1.1.0\0',
    '@{-1}',
    '1.1.0^'
  ])('takes %j for neither commit nor version', async (hostile) => {
    expect(await commitExists(repository.dir, hostile)).toBeNull()
    expect(await commitOfVersion(repository.dir, hostile)).toBeNull()
  })

  it('lists commits newest first, in plain text, and says when there are more', async () => {
    const all = await commitsBetween(repository.dir, first, third)
    expect(all).toEqual({
      items: [
        { hash: third, at: '2026-03-18T14:00:00.000Z', author: 'Ada Lovelace', subject: 'Third' },
        { hash: second, at: '2026-03-18T14:00:00.000Z', author: 'Ada Lovelace', subject: 'Second red' }
      ],
      more: false
    })
    expect(await commitsBetween(repository.dir, first, third, { max: 1 })).toMatchObject({
      items: [{ subject: 'Third' }],
      more: true
    })
    expect(await commitsBetween(repository.dir, third, first)).toEqual({ items: [], more: false })
  })

  it('lists changed files whatever their names', async () => {
    expect(await filesChanged(repository.dir, first, third)).toEqual({
      items: [
        { path: 'a.txt', change: 'modified' },
        { path: 'b c.txt', change: 'added' },
        { path: 'gone.txt', change: 'deleted' },
        { path: 'näh\n.txt', change: 'added' }
      ],
      more: false
    })
    expect(await filesChanged(repository.dir, first, third, { max: 2 })).toMatchObject({ more: true })
  })

  it('is null, and nothing worse, without a repository, without the commit and when aborted', async () => {
    expect(await commitExists(bare, first)).toBeNull()
    expect(await commitExists(join(bare, 'nowhere'), first)).toBeNull()
    expect(await commitsBetween(repository.dir, first, '0'.repeat(40))).toBeNull()
    expect(await filesChanged(bare, first, third)).toBeNull()
    expect(await commitsBetween(repository.dir, first, third, { signal: AbortSignal.abort() })).toBeNull()
  })

  it('is not turned to another repository by the environment', async () => {
    process.env.GIT_DIR = join(bare, '.git')
    try {
      expect(await commitExists(repository.dir, first)).toBe(first)
    } finally {
      delete process.env.GIT_DIR
    }
  })

  it('runs nothing that the repository names', async () => {
    const victim = createRepository()
    try {
      const mark = join(bare, 'mark')
      const one = victim.commit('One', { '.gitattributes': '*.txt diff=evil', 'a.txt': '1' })
      const two = victim.commit('Two', { 'a.txt': '2' })
      for (const key of ['core.fsmonitor', 'diff.external', 'diff.evil.textconv', 'core.pager', 'gpg.program'])
        victim.git('config', key, `touch ${mark} #`)
      victim.git('config', 'log.showSignature', 'true')
      expect((await filesChanged(victim.dir, one, two))?.items).toHaveLength(1)
      expect((await commitsBetween(victim.dir, one, two))?.items).toHaveLength(1)
      expect(await git(victim.dir, ['show', '--no-textconv', 'HEAD:./a.txt'])).toBe('2')
      expect(existsSync(mark)).toBe(false)
    } finally {
      victim.remove()
    }
  })

  it('works from a folder below the repository', async () => {
    const below = join(repository.dir, 'below')
    mkdirSync(below)
    expect(await commitExists(below, third)).toBe(third)
  })
})
