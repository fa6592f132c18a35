import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/**
 * `rb-YYYYMMDD-HHMMSS-<target>` in UTC, made unique by a random end: two machines that begin in the same second must not take each
 * other's lease for their own.
 */
export function newRollbackId(target: string, now: Date, journals: string): string {
  const stamp = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  const name = target.toLowerCase().replace(/[^a-z0-9_-]/g, '-')
  for (;;) {
    const id = `rb-${stamp}-${name}-${randomBytes(3).toString('hex')}`
    if (!existsSync(join(journals, `${id}.jsonl`))) return id
  }
}
