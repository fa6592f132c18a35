import type { DeployRecord } from './deploy-records.ts'

/**
 * The version of a target that last worked, as far as the history tells: the newest success, or the end of a proven rollback, that
 * nothing newer speaks against. Takes the records newest first. The assessment asks the target itself; this only names a version.
 */
export function lastGood(records: readonly DeployRecord[], target: string): string | null {
  const bad = new Set<string>()
  for (const { target: of, version, status, rollbackTo, outcome } of records) {
    if (of !== target) continue
    const good = status === 'success' ? version : outcome === 'succeeded' ? rollbackTo : ''
    if (good && !bad.has(good)) return good
    if (status === 'failed' || status === 'rolled_back') bad.add(version)
  }
  return null
}
