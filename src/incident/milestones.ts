import { duration } from '../support/text.ts'
import type { Incident, Outage } from './incident.ts'

/** What set the incident off, as far as history or the target tell: the deployment of the failed version. One line for people. */
export function triggerOf({ from, history, rollback }: Incident): string {
  if (!from) return 'unknown'
  const begun = rollback?.begunAt
  const [deployed] = history
    .filter(({ version, status, at }) => version === from.version && status !== 'rolled_back' && !(begun && at > begun))
    .sort((a, b) => (a.at < b.at ? 1 : -1))
  if (deployed) {
    const commit = deployed.commit ? `, commit ${deployed.commit.slice(0, 12)}` : ''
    return `the deployment of ${from.version} at ${deployed.at} (history: ${deployed.status}${commit})`
  }
  if (from.served) return `${from.version}, which serves since ${from.served.from} (${from.served.source})`
  return `unknown (no source says when ${from.version} was deployed)`
}

/** How long the failure could be seen before somebody acted on it. One line for people. */
export function detectionOf({ rollback }: Incident, { from }: Outage): string {
  if (!from) return 'unknown (no source has a sign of failure with its time)'
  const waited = rollback ? Date.parse(rollback.begunAt) - Date.parse(from) : Number.NaN
  const acted = waited >= 0 ? `; the rollback began ${duration(waited)} later` : ''
  return `first sign of failure at ${from}${acted}`
}
