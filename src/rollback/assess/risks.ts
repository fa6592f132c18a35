import type { Observation, Risk } from '../../model/observation.ts'
import type { Release } from '../../model/release.ts'
import { type Changes, changesBetween } from '../../project/changes-between.ts'
import type { Migration } from '../../project/migrations.ts'
import { quoted } from '../../support/text.ts'
import type { JournalRecord } from '../journal/journal.ts'
import type { Session } from '../session.ts'
import type { Candidate } from './assessment.ts'

type Known = Pick<Session, 'projectDir' | 'history'>

/** The changes between the candidate and the failed release, as far as git, deploy.json and the target tell. */
export async function changesSince(known: Known, candidate: Release, failed: Release | null): Promise<Changes> {
  if (!failed) return { known: false, why: 'nothing serves, so there is nothing to compare with' }
  return changesBetween(known.projectDir, withCommit(known, candidate), withCommit(known, failed))
}

function withCommit({ history }: Known, release: Release): Release {
  const recorded = history.find(({ version, commit }) => version === release.version && commit)?.commit
  return release.commit || !recorded ? release : { ...release, commit: recorded }
}

/** Risks of the changes between the two versions: a rollback does not undo database migrations. */
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
  const named = migrations.slice(0, 5).map(({ path, change }) => `${quoted(path, 160)} (${change})`)
  const more = migrations.length > 5 ? ` and ${migrations.length - 5} more` : ''
  return {
    id: `migration:${tool.toLowerCase().replaceAll(' ', '-')}`,
    serious: true,
    title: `Newer migrations (${tool}) may have changed the database that ${version} would use`,
    detail: `${named.join(', ')}${more}. A rollback does not undo migrations.`
  }
}

export const looksHealthy = ({ current, health }: Observation): Risk => ({
  id: 'current_healthy',
  serious: false,
  title: health.unchecked
    ? 'The current version runs; nothing tells whether it serves'
    : 'The current version looks healthy',
  detail: `${current?.version ?? 'what serves'}: ${health.message}. Roll back only when it fails in a way that its health does not show.`
})

/** Risks of a candidate that is not known to have served well. */
export function weakEvidence({ release, good, evidenceAgainst }: Candidate): Risk[] {
  const { version } = release
  const serious = (id: string, title: string, detail: string): Risk[] => [
    { id: `${id}:${version}`, serious: true, title, detail }
  ]
  if (evidenceAgainst.length > 0)
    return serious('evidence_against', `There is evidence against ${version}`, evidenceAgainst.join('; '))
  if (good) return []
  const detail = 'Neither deploy.json nor the target has evidence of it.'
  return serious('unverified', `${version} is not known to have served well`, detail)
}

const hourMs = 3_600_000

/** One more attempt after `most` within an hour is a risk to accept: repeated failures need a person to investigate. */
export function recentAttempts(records: readonly JournalRecord[], most: number, now: string): Risk[] {
  const since = new Date(Date.parse(now) - hourMs).toISOString()
  const recent = records.filter(({ begun, ended }) => begun.at > since && ended?.outcome !== 'refused')
  if (recent.length < most) return []
  return [
    {
      id: 'attempts',
      serious: true,
      title: `${recent.length} rollbacks of this target began within the last hour`,
      detail: recent.map(({ begun, ended }) => `${begun.rollbackId}: ${ended?.outcome ?? 'not ended'}`).join('; ')
    }
  ]
}

/** Each risk once, by id. */
export const unique = (risks: readonly Risk[]): Risk[] => [...new Map(risks.map((risk) => [risk.id, risk])).values()]
