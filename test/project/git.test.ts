import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commitExists, commitOfVersion, commitsBetween, filesChanged, git } from '../../src/project/git.ts'
import { remoteAddress } from '../../src/targets/github-releases/remote.ts'
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
      const run = join(bare, 'run')
      writeFileSync(run, `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 })
      const hooks = {
        'hooks/post-index-change': `#!/bin/sh\n${run}\n`,
        'hooks/reference-transaction': `#!/bin/sh\n${run}\n`
      }
      const one = victim.commit('One', { '.gitattributes': '*.txt diff=evil filter=evil', 'a.txt': '1', ...hooks })
      const two = victim.commit('Two', { 'a.txt': '2' })
      const signed = victim
        .git('cat-file', 'commit', two)
        .replace('\n\n', '\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----\n\n')
      writeFileSync(join(bare, 'signed'), `${signed}\n`)
      const four = victim.git('hash-object', '-t', 'commit', '-w', join(bare, 'signed'))
      const three = promisedElsewhere(victim, run)
      const programs = [
        'core.fsmonitor',
        'core.pager',
        'core.editor',
        'core.sshCommand',
        'core.gitProxy',
        'core.askPass'
      ]
      const more = [
        'diff.external',
        'diff.evil.textconv',
        'diff.evil.command',
        'gpg.program',
        'credential.helper',
        'pager.log'
      ]
      const filters = ['clean', 'smudge', 'process'].map((kind) => `filter.evil.${kind}`)
      const aliases = ['log', 'rev-parse', 'diff-tree', 'remote', 'config'].map((name) => `alias.${name}`)
      writeFileSync(join(victim.dir, 'more.config'), `[core]\n\talternateRefsCommand = "${run}"\n`)
      for (const key of [...programs, ...more, ...filters]) victim.git('config', key, run)
      for (const key of aliases) victim.git('config', key, `!${run}`)
      victim.git('config', 'log.showSignature', 'true')
      victim.git('config', 'include.path', join(victim.dir, 'more.config'))
      victim.git('config', 'core.hooksPath', join(victim.dir, 'hooks'))
      rmSync(mark, { force: true })
      expect((await filesChanged(victim.dir, one, two))?.items).toHaveLength(1)
      expect((await commitsBetween(victim.dir, one, four))?.items).toHaveLength(1)
      expect(await commitOfVersion(victim.dir, '1.2.0')).toBeNull()
      expect(await commitExists(victim.dir, three)).toBeNull()
      expect(await git(victim.dir, ['show', '--no-textconv', 'HEAD:./a.txt'])).toBe('2')
      expect(await remoteAddress(victim.dir)).toBe(victim.dir)
      expect(existsSync(mark)).toBe(false)
    } finally {
      victim.remove()
    }
  })

  /** Makes the repository a partial clone whose objects come from a remote of which a program would be run; gives a commit that only it has. */
  function promisedElsewhere(victim: Repository, program: string): string {
    victim.git('remote', 'add', 'origin', victim.dir)
    victim.git('config', 'remote.origin.promisor', 'true')
    victim.git('config', 'remote.origin.uploadpack', program)
    victim.git('config', 'extensions.partialClone', 'origin')
    victim.git('config', 'core.repositoryFormatVersion', '1')
    return '1'.repeat(40)
  }

  it('works from a folder below the repository', async () => {
    const below = join(repository.dir, 'below')
    mkdirSync(below)
    expect(await commitExists(below, third)).toBe(third)
  })
})
