import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A real git repository in a temporary folder. */
export interface Repository {
  dir: string
  git(...args: string[]): string
  write(files: Record<string, string>): void
  /** Writes files, commits all and gives the commit's hash. */
  commit(subject: string, files?: Record<string, string>): string
  remove(): void
}

export function createRepository(): Repository {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'pop-repository-')))
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))
  const identity = { name: 'Ada Lovelace', email: 'ada@example.com', date: '2026-03-18T14:00:00Z' }
  const env = {
    ...Object.fromEntries(kept),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((who) =>
        Object.entries(identity).map(([key, value]) => [`GIT_${who}_${key.toUpperCase()}`, value])
      )
    )
  }
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: dir, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
  const write = (files: Record<string, string>): void => {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true })
      writeFileSync(join(dir, path), content)
    }
  }
  git('init', '--quiet', '--initial-branch=main')
  return {
    dir,
    git,
    write,
    commit: (subject, files = {}) => {
      write(files)
      git('add', '--all')
      git('commit', '--quiet', '--allow-empty', '--message', subject)
      return git('rev-parse', 'HEAD')
    },
    remove: () => rmSync(dir, { recursive: true, force: true })
  }
}
