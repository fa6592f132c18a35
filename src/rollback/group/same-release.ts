import type { DeploymentRecord } from '../../model/deployment-record.ts'
import type { Release } from '../../model/release.ts'

/** What tells which release a target serves. */
export interface Mark {
  version: string
  commit?: string
  /** When it was deployed, as deploy.json records it; ISO 8601 UTC. */
  at?: string
}

/** How two targets are known to have been deployed together. */
export type Bond = 'same commit' | 'same version' | 'same run'

/** Records that one run of deployments writes follow each other within this time. */
const runMs = 10 * 60_000

/**
 * Whether two targets serve the same release. Where both commits are known, they decide; else the version, without a leading `v` or the
 * name of a package before it; else the time of the two records.
 */
export function sameRelease(one: Mark, other: Mark): Bond | null {
  if (one.commit && other.commit) return isSameCommit(one.commit, other.commit) ? 'same commit' : null
  if (bareVersion(one.version) === bareVersion(other.version)) return 'same version'
  if (!one.at || !other.at) return null
  return Math.abs(Date.parse(one.at) - Date.parse(other.at)) <= runMs ? 'same run' : null
}

/** What a target serves, with what deploy.json records of its deployment. */
export function markOf(current: Release, history: readonly DeploymentRecord[]): Mark {
  const record = history.find(
    ({ version, status }) =>
      (status === 'success' || status === 'failed') && bareVersion(version) === bareVersion(current.version)
  )
  const commit = record?.commit ?? current.commit
  return { version: current.version, ...(commit && { commit }), ...(record && { at: record.at }) }
}

/** What deploy.json records as deployed last; null where it has no deployment, or a rollback since. */
export function recordedMark(history: readonly DeploymentRecord[]): Mark | null {
  const newest = history[0]
  if (newest?.status !== 'success' && newest?.status !== 'failed') return null
  const { version, commit, at } = newest
  return { version, at, ...(commit && { commit }) }
}

/** "v1.2.0", "core@1.2.0" and "1.2.0" are one version. */
export const bareVersion = (version: string): string =>
  version.slice(version.lastIndexOf('@') + 1).replace(/^v(?=\d)/, '')

function isSameCommit(one: string, other: string): boolean {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()]
  return Math.min(a.length, b.length) >= 7 && (a.startsWith(b) || b.startsWith(a))
}

/** The targets that serve one release together, directly or over another; those that are alone are left out. */
export function releaseGroups<Item extends { mark: Mark }>(items: readonly Item[]): Item[][] {
  const left = new Set(items)
  const groups: Item[][] = []
  for (const first of items) {
    if (!left.delete(first)) continue
    const group = [first]
    // An array that grows while it is gone through.
    for (const one of group)
      for (const other of left)
        if (sameRelease(one.mark, other.mark)) {
          left.delete(other)
          group.push(other)
        }
    if (group.length > 1) groups.push(group)
  }
  return groups
}
