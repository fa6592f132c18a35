import type { z } from 'zod'
import { type DeploymentRecord, deploymentRecordSchema } from '../model/deployment-record.ts'
import type { DeployFile } from './deploy-file.ts'
import { utcInstant } from './timestamp.ts'

type RawRecord = z.infer<typeof deploymentRecordSchema>
type Read = { record: DeploymentRecord } | { fault: string }

/** A target's history, newest first. What cannot be read as a record stays in the file and is left out here. */
export const historyOf = (file: DeployFile | null, target: string): DeploymentRecord[] =>
  file?.records.filter((record) => record.target === target) ?? []

/** Takes deploy.json's history; gives its records newest first, and a line about those that could not be read. */
export function readHistory(history: readonly unknown[]): { records: DeploymentRecord[]; notes: string[] } {
  const records: DeploymentRecord[] = []
  const faults: string[] = []
  history.forEach((raw, index) => {
    const read = readRecord(raw)
    if ('record' in read) records.push(read.record)
    else faults.push(`history[${index}]: ${read.fault}`)
  })
  records.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0))
  return { records, notes: faults.length ? [noteOf(faults)] : [] }
}

function readRecord(raw: unknown): Read {
  const parsed = deploymentRecordSchema.safeParse(raw)
  if (parsed.success) return mapped(parsed.data)
  const wrong = new Set(parsed.error.issues.map((issue) => issue.path[0]))
  const fault = `${String([...wrong][0] ?? 'it')} is not as expected`
  if (typeof raw !== 'object' || raw === null) return { fault: 'not an object' }
  const usable = deploymentRecordSchema.safeParse(
    Object.fromEntries(Object.entries(raw).filter(([key]) => !wrong.has(key)))
  )
  return usable.success ? mapped(usable.data) : { fault }
}

function mapped(raw: RawRecord): Read {
  const at = utcInstant(raw.timestamp)
  if (!at) return { fault: 'timestamp is not ISO 8601' }
  return {
    record: {
      at,
      target: raw.target,
      version: raw.version,
      status: raw.status,
      ...(raw.commit_sha != null && { commit: raw.commit_sha }),
      ...(raw.duration_ms != null && { durationMs: raw.duration_ms }),
      ...(raw.error != null && { error: raw.error }),
      ...(raw.rollback_to != null && { rollbackTo: raw.rollback_to }),
      ...(raw.digest != null && { digest: raw.digest }),
      ...(raw.rollback_id != null && { rollbackId: raw.rollback_id }),
      ...(raw.outcome != null && { outcome: raw.outcome }),
      ...(raw.snapshot != null && { snapshot: raw.snapshot })
    }
  }
}

function noteOf(faults: string[]): string {
  const few = faults.slice(0, 3).join('; ')
  return `${faults.length} of the history's records could not be read and were left in the file as they are (${few}${faults.length > 3 ? '; …' : ''}).`
}
