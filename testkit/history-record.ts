import type { JsonObject } from '../src/model/json.ts'

/** A record of deploy.json's history, whole as popkit writes it. */
export const historyRecord = (
  target: string,
  version: string,
  status: 'success' | 'failed',
  timestamp: string,
  more: JsonObject = {}
): JsonObject => ({
  timestamp,
  target,
  version,
  status,
  commit_sha: null,
  duration_ms: 1000,
  error: null,
  rollback_to: null,
  ...more
})
