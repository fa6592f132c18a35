import type { z } from 'zod'
import { type DeploymentRecord, deploymentRecordSchema } from '../model/deployment-record.ts'
import { utcInstant } from './timestamp.ts'

type RawRecord = z.infer<typeof deploymentRecordSchema>
/** The record, or what is wrong with it. */
type Read = DeploymentRecord | string

/** A target's history, newest first. What cannot be read as a record stays in the file and is left out here. */
export const historyOf = (file: { records: readonly DeploymentRecord[] } | null, target: string): DeploymentRecord[] =>
  file?.records.filter((record) => record.target === target) ?? []

/** Takes deploy.json's history; gives its records newest first, and a line about those that could not be read. */
export function readHistory(history: readonly unknown[]): { records: DeploymentRecord[]; notes: string[] } {
  const records: DeploymentRecord[] = []
  const faults: string[] = []
  history.forEach((raw, index) => {
    const read = readRecord(raw)
    if (typeof read === 'string') faults.push(`history[${index}]: ${read}`)
    else records.push(read)
  })
  records.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0))
  return { records, notes: faults.length ? [noteOf(faults)] : [] }
}

function readRecord(raw: unknown): Read {
  if (typeof raw !== 'object' || raw === null) return 'not an object'
  if (looksRight(raw)) return mapped(raw)
  const parsed = deploymentRecordSchema.safeParse(raw)
  if (parsed.success) return mapped(parsed.data)
  const wrong = new Set(parsed.error.issues.map((issue) => issue.path[0]))
  const rest = Object.fromEntries(Object.entries(raw).filter(([key]) => !wrong.has(key)))
  const usable = deploymentRecordSchema.safeParse(rest)
  return usable.success ? mapped(usable.data) : `${String([...wrong][0])} is not as expected`
}

/** The schema's verdict on what came out of JSON.parse, at a tenth of its price; what it turns down the schema judges. */
const looksRight = (raw: object): raw is RawRecord =>
  fields.every(([key, type, required]) => {
    const value = (raw as Record<string, unknown>)[key]
    return typeof value === type || (!required && value == null)
  }) && !Array.isArray((raw as RawRecord).snapshot)

type Field = [name: keyof typeof deploymentRecordSchema.shape, type: 'string' | 'number' | 'object', required: boolean]
const fields: Field[] = [
  ['timestamp', 'string', true],
  ['target', 'string', true],
  ['version', 'string', true],
  ['status', 'string', true],
  ['commit_sha', 'string', false],
  ['duration_ms', 'number', false],
  ['error', 'string', false],
  ['rollback_to', 'string', false],
  ['digest', 'string', false],
  ['rollback_to_digest', 'string', false],
  ['rollback_id', 'string', false],
  ['outcome', 'string', false],
  ['snapshot', 'object', false]
]

function mapped(raw: RawRecord): Read {
  const at = utcInstant(raw.timestamp)
  if (!at) return 'timestamp is not ISO 8601'
  const record: DeploymentRecord = { at, target: raw.target, version: raw.version, status: raw.status }
  if (raw.commit_sha != null) record.commit = raw.commit_sha
  if (raw.duration_ms != null) record.durationMs = raw.duration_ms
  if (raw.error != null) record.error = raw.error
  if (raw.rollback_to != null) record.rollbackTo = raw.rollback_to
  if (raw.digest != null) record.digest = raw.digest
  if (raw.rollback_to_digest != null) record.rollbackToDigest = raw.rollback_to_digest
  if (raw.rollback_id != null) record.rollbackId = raw.rollback_id
  if (raw.outcome != null) record.outcome = raw.outcome
  if (raw.snapshot != null) record.snapshot = raw.snapshot
  return record
}

function noteOf(faults: string[]): string {
  const few = faults.slice(0, 3).join('; ')
  return `${faults.length} of the history's records could not be read and were left in the file as they are (${few}${faults.length > 3 ? '; …' : ''}).`
}
