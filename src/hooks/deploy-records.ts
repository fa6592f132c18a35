import { utcInstant } from '../project/timestamp.ts'
import { readTextSync } from '../support/read-text.ts'

/** What this program needs of a record in deploy.json's history. */
export interface DeployRecord {
  at: string
  target: string
  version: string
  status: string
  rollbackTo: string
  outcome: string
}

interface ListedTarget {
  name: string
  type: string
  enabled: boolean
  primary: boolean
}

export interface DeployRecords {
  targets: ListedTarget[]
  /** Newest first. */
  records: DeployRecord[]
}

const maxBytes = 64 * 1024 * 1024

type Json = Record<string, unknown>
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/**
 * The least of deploy.json that names a version; null when there is no file. The server reads it with schemas and says what is wrong
 * with it; loading those takes longer than a hook may take. @throws what the file system or JSON throws.
 */
export function readDeployRecords(path: string): DeployRecords | null {
  const file = object(JSON.parse(content(path)?.replace(/^\ufeff/, '') ?? 'null'))
  if (Object.keys(file).length === 0) return null
  const targets = Object.entries(object(file.targets)).map(([name, value]) => listed(name, object(value)))
  const records = (Array.isArray(file.history) ? file.history : []).flatMap((raw) => record(object(raw)))
  return { targets, records: records.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)) }
}

const listed = (name: string, { type, enabled, primary }: Json): ListedTarget => ({
  name,
  type: text(type) || name,
  enabled: enabled !== false,
  primary: primary === true
})

function record(raw: Json): DeployRecord[] {
  const at = utcInstant(text(raw.timestamp))
  const [target, version, status] = [text(raw.target), text(raw.version), text(raw.status)]
  if (!at || !target || !version) return []
  return [{ at, target, version, status, rollbackTo: text(raw.rollback_to), outcome: text(raw.outcome) }]
}

function content(path: string): string | null {
  try {
    return readTextSync(path, maxBytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
