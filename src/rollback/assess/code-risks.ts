import type { Risk } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import { type Changes, changesBetween } from '../../project/changes-between.ts'
import type { Migration } from '../../project/migrations.ts'
import type { Session } from '../session.ts'

type Known = Pick<Session, 'projectDir' | 'history'>

/** What came with the failed release and not with the candidate, as far as git, deploy.json and the target let one tell. */
export async function changesSince(known: Known, candidate: Release, failed: Release | null): Promise<Changes> {
  if (!failed) return { known: false, why: 'nothing serves to compare with' }
  return changesBetween(known.projectDir, withCommit(known, candidate), withCommit(known, failed))
}

function withCommit({ history }: Known, release: Release): Release {
  const recorded = history.find(({ version, commit }) => version === release.version && commit)?.commit
  return release.commit || !recorded ? release : { ...release, commit: recorded }
}

/** What the code between the two versions says: database migrations do not go back with a release. */
export async function codeRisks(known: Known, current: Release | null, candidate: Release): Promise<Risk[]> {
  const changes = await changesSince(known, candidate, current)
  if (!changes.known) return []
  const tools = [...new Set(changes.migrations.map(({ tool }) => tool))]
  return tools.map((tool) =>
    migrationRisk(
      candidate,
      tool,
      changes.migrations.filter((one) => one.tool === tool)
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
