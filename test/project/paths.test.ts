import { chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { fileNameOf, findProject, ownPath, projectPaths } from '../../src/project/paths.ts'

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

  // only root may give files away
  describe.runIf(process.geteuid?.() === 0)('where users share a machine', () => {
    const nobody = 65534
    const project = () => {
      const popkit = folder('shared', '.claude', 'popkit')
      writeFileSync(join(popkit, 'deploy.json'), '{}')
      return { shared: join(root, 'shared'), below: folder('shared', 'mine', 'scratch') }
    }

    it.each(['', '.claude', '.claude/popkit', '.claude/popkit/deploy.json'])(
      'refuses a project in which another user owns "%s", and says which folder and how to allow it',
      (part) => {
        const { shared, below } = project()
        const env = { CLAUDE_PROJECT_DIR: below }
        expect(findProject({ env, cwd: root })).toBe(shared)
        chownSync(join(shared, part), nobody, nobody)
        for (const at of [
          { env, cwd: root },
          { env: {}, cwd: below },
          { env: {}, cwd: root, roots: [below] }
        ])
          expect(() => findProject(at)).toThrow(`${join(shared, part)} belongs to user 65534`)
        expect(findProject({ env: { ...env, POP_ROLLBACK_SAFE_DIRECTORY: `/other:${shared}/` }, cwd: root })).toBe(
          shared
        )
        expect(() => findProject({ env: { ...env, POP_ROLLBACK_SAFE_DIRECTORY: below }, cwd: root })).toThrow()
        expect(findProject({ env: { ...env, SUDO_UID: '65534' }, cwd: root })).toBe(shared)
      }
    )

    it('refuses a repository of another user, and works in a project of one’s own below it', () => {
      const git = folder('shared', '.git')
      const below = folder('shared', 'mine')
      chownSync(git, nobody, nobody)
      expect(() => findProject({ env: {}, cwd: below })).toThrow(/belongs to another user/)
      folder('shared', 'mine', '.claude', 'popkit')
      expect(findProject({ env: {}, cwd: below })).toBe(below)
    })

    it('counts files of root as one’s own', () => {
      const { shared, below } = project()
      const geteuid = process.geteuid
      process.geteuid = () => nobody
      onTestFinished(() => {
        process.geteuid = geteuid
      })
      expect(findProject({ env: {}, cwd: below })).toBe(shared)
    })
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

  describe('with links', () => {
    let root: string
    beforeEach(() => {
      root = realpathSync(mkdtempSync(join(tmpdir(), 'pop-links-')))
      for (const dir of ['repo/.git', 'repo/app', 'repo/shared/rollbacks', 'outside/rollbacks'])
        mkdirSync(join(root, dir), { recursive: true })
      for (const place of ['repo/shared', 'outside']) writeFileSync(join(root, place, 'deploy.json'), '{}')
    })
    afterEach(() => rmSync(root, { recursive: true, force: true }))

    /** Links a part of the project's folder to a place, and gives the paths of the project. */
    const linked = (part: string, to: string) => {
      const path = join(root, 'repo/app', part)
      mkdirSync(join(path, '..'), { recursive: true })
      symlinkSync(to, path)
      return projectPaths(join(root, 'repo/app'))
    }

    it.each(['.claude', '.claude/popkit'])('refuses everything below a %s that leads out of the project', (part) => {
      const paths = linked(part, join(root, 'outside'))
      for (const read of [() => paths.deployFile, () => paths.rollbacksDir, () => paths.incidentsDir])
        expect(read).toThrow(/a link in it leads out of the project/)
    })

    it('refuses only the part that leads out of the project, by any way, or to nothing', () => {
      expect(() => linked('.claude/popkit/deploy.json', '../../../../outside/deploy.json').deployFile).toThrow(
        /outside/
      )
      const paths = linked('.claude/popkit/rollbacks', join(root, 'outside/rollbacks'))
      expect(() => paths.rollbacksDir).toThrow(/outside/)
      expect(() => paths.lockFile('docker')).toThrow(/outside/)
      expect(() => linked('.claude/popkit/incidents', join(root, 'gone')).incidentsDir).toThrow(/leads nowhere/)
      symlinkSync(join(root, 'repo/app/.claude/popkit/rollbacks'), join(root, 'repo/shared/again'))
      expect(() => ownPath(join(root, 'repo/app'), join(root, 'repo/shared/again'))).toThrow(/outside/)
    })

    it('follows a link within the repository, and a project folder that is itself reached by a link', () => {
      expect(linked('.claude/popkit/deploy.json', '../../../shared/deploy.json').deployFile).toContain('deploy.json')
      expect(linked('.claude/popkit/rollbacks', join(root, 'repo/shared/rollbacks')).rollbacksDir).toContain(
        'rollbacks'
      )
      symlinkSync(join(root, 'repo/app'), join(root, 'way'))
      expect(projectPaths(join(root, 'way')).deployFile).toBe(join(root, 'way/.claude/popkit/deploy.json'))
    })

    it('refuses a link to another project where no repository holds both', () => {
      rmSync(join(root, 'repo/.git'), { recursive: true })
      expect(() => linked('.claude/popkit/deploy.json', '../../../shared/deploy.json').deployFile).toThrow(/shared/)
    })
  })
})
