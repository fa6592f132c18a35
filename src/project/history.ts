import { type DeploymentRecord, deploymentRecordSchema, type RawRecord } from '../model/deployment-record.ts'
import type { JsonObject } from '../model/json.ts'
import { camelCaseKey } from '../support/casing.ts'
import { utcInstant } from './timestamp.ts'

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
  fieldNames.every((name) => {
    const value = (raw as Record<string, unknown>)[name]
    return typeof value === (typeOf[name] ?? 'string') || (value == null && !required.has(name))
  }) && !Array.isArray((raw as RawRecord).snapshot)

const required = new Set(['timestamp', 'target', 'version', 'status'])
const typeOf: Record<string, string> = { duration_ms: 'number', snapshot: 'object' }
const fieldNames = Object.keys(deploymentRecordSchema.shape)
/** Each field's name in the file, and in a record. */
const names = fieldNames.map(
  (name) => [name, { timestamp: 'at', commit_sha: 'commit' }[name] ?? camelCaseKey(name)] as const
)

function mapped(raw: RawRecord): Read {
  const at = utcInstant(raw.timestamp)
  if (!at) return 'timestamp is not ISO 8601'
  const rest = names.flatMap(([name, own]) => (raw[name] == null ? [] : [[own, raw[name]] as const]))
  const { commit } = raw
  const short = raw.commit_sha == null && typeof commit === 'string' ? { commit } : {}
  return { ...short, ...(Object.fromEntries(rest) as Omit<DeploymentRecord, 'at'>), at }
}

/** The record as it is written in the file, popkit's own fields first and in its order. */
export function rawRecord(record: DeploymentRecord): JsonObject {
  const values: Record<string, unknown> = { ...record }
  return JSON.parse(JSON.stringify(Object.fromEntries(names.map(([name, own]) => [name, values[own]])))) as JsonObject
}

function noteOf(faults: string[]): string {
  const few = faults.slice(0, 3).join('; ')
  return `${faults.length} of the history's records could not be read and were left in the file as they are (${few}${faults.length > 3 ? '; …' : ''}).`
}
