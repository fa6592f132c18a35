import type { Release } from '../model/release.ts'
import type { Risk } from '../model/survey.ts'
import { commitExists, commitOfVersion, filesChanged } from '../project/git.ts'
import { type Migration, migrationsAmong } from '../project/migrations.ts'
import type { Session } from './session.ts'

type Known = Pick<Session, 'projectDir' | 'history'>

export interface CommitRange {
  /** The commit of the release that is gone back to. */
  older: string
  /** The commit of the release that failed. */
  newer: string
}

/** The commits of two releases, as the target, deploy.json or a tag tells; null where this repository does not know both. */
export async function commitsOf(known: Known, failed: Release | null, candidate: Release): Promise<CommitRange | null> {
  if (!failed) return null
  const [newer, older] = await Promise.all([commitOf(known, failed), commitOf(known, candidate)])
  return newer && older && newer !== older ? { older, newer } : null
}

async function commitOf({ projectDir, history }: Known, release: Release): Promise<string | null> {
  const recorded =
    release.commit ?? history.find(({ version, commit }) => version === release.version && commit)?.commit
  const found = recorded ? await commitExists(projectDir, recorded) : null
  return found ?? commitOfVersion(projectDir, release.version)
}

/** What the code between the two versions says: database migrations do not go back with a release. */
export async function codeRisks(session: Known, current: Release | null, candidate: Release): Promise<Risk[]> {
  const range = await commitsOf(session, current, candidate)
  const changed = range && (await filesChanged(session.projectDir, range.older, range.newer))
  if (!changed) return []
  const migrations = migrationsAmong(changed.items)
  return [...new Set(migrations.map(({ tool }) => tool))].map((tool) =>
    migrationRisk(
      candidate,
      tool,
      migrations.filter((migration) => migration.tool === tool)
    )
  )
}

function migrationRisk({ version }: Release, tool: string, migrations: readonly Migration[]): Risk {
  const named = migrations.slice(0, 5).map(({ path, change }) => `${path} (${change})`)
  const more = migrations.length > 5 ? ` and ${migrations.length - 5} more` : ''
  return {
    id: `migration:${tool.toLowerCase().replaceAll(' ', '-')}`,
    serious: true,
    title: `${version} would meet a database that newer migrations may have changed (${tool})`,
    detail: `${named.join(', ')}${more}. A rollback does not undo migrations.`
  }
}
