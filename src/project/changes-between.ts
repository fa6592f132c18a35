import type { Release } from '../model/release.ts'
import { type Capped, type Commit, commitExists, commitOfVersion, commitsBetween, filesChanged } from './git.ts'
import { type Migration, migrationsAmong } from './migrations.ts'

/** What differs between the sources of two releases. */
export type Changes = { known: true; commits: Capped<Commit>; migrations: Migration[] } | { known: false; why: string }

type Named = Pick<Release, 'version' | 'commit'>

/**
 * Asks git what came with the newer release: its commits that the older one has not, newest first, and the database migrations in
 * which the two differ. A release's commit is the recorded one, else the one that its version's tag names.
 */
export async function changesBetween(
  projectDir: string,
  older: Named,
  newer: Named,
  signal?: AbortSignal
): Promise<Changes> {
  const [from, to] = await Promise.all([commitOf(projectDir, older, signal), commitOf(projectDir, newer, signal)])
  if (!from || !to) {
    const unknown = [!from && older.version, !to && newer.version].filter(Boolean).join(' or ')
    return { known: false, why: `the project's git repository knows no commit of ${unknown}` }
  }
  const [commits, files] = await Promise.all([
    commitsBetween(projectDir, from, to, { signal }),
    filesChanged(projectDir, from, to, { signal })
  ])
  if (!commits || !files) return { known: false, why: 'git could not compare the two commits' }
  return { known: true, commits, migrations: migrationsAmong(files.items) }
}

const commitOf = async (dir: string, { version, commit }: Named, signal?: AbortSignal): Promise<string | null> =>
  (commit && (await commitExists(dir, commit, signal))) || commitOfVersion(dir, version, signal)
