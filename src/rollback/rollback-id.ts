import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const rollbackIdPattern = /^rb-\d{8}-\d{6}-[a-z0-9_-]{1,80}$/

/** `rb-YYYYMMDD-HHMMSS-<target>` in UTC, made unique among the journals of a folder. */
export function newRollbackId(target: string, now: Date, journals: string): string {
  const stamp = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  const plain = `rb-${stamp}-${target.toLowerCase().replace(/[^a-z0-9_-]/g, '-')}`
  for (let index = 1; ; index++) {
    const id = index === 1 ? plain : `${plain}-${index}`
    if (!existsSync(join(journals, `${id}.jsonl`))) return id
  }
}
