import type { Release } from '../model/release.ts'
import type { Risk } from '../model/survey.ts'
import { filesChanged, resolveCommit } from '../project/git.ts'
import { migrationsAmong } from '../project/migrations.ts'
import type { Session } from './session.ts'

/** The commits of two releases, as the target, deploy.json or a tag of that name tells; null where one is not known here. */
export async function commitsOf(
  session: Pick<Session, 'projectDir' | 'history'>,
  current: Release | null,
  candidate: Release
): Promise<{ from: string; to: string } | null> {
  if (!current) return null
  const from = await commitOf(session, current)
  const to = await commitOf(session, candidate)
  return from && to ? { from, to } : null
}

async function commitOf({ projectDir, history }: Pick<Session, 'projectDir' | 'history'>, release: Release): Promise<string | null> {
  const recorded = release.commit ?? history.find(({ version, commit }) => version === release.version && commit)?.commit
  return resolveCommit(projectDir, recorded ?? release.version)
}

/** What the code between the two versions says: database migrations do not go back with an image. */
export async function codeRisks(session: Session, current: Release | null, candidate: Release): Promise<Risk[]> {
  const commits = await commitsOf(session, current, candidate)
  if (!commits) return []
  const files = await filesChanged(session.projectDir, commits.to, commits.from)
  return migrationsAmong(files).map(({ tool, files: named }) => ({
    id: `migration:${tool}`,
    serious: true,
    title: `${candidate.version} would meet a database that newer migrations changed (${tool})`,
    detail: `${named.slice(0, 5).join(', ')}${named.length > 5 ? ` and ${named.length - 5} more` : ''}. A rollback does not undo them.`
  }))
}
