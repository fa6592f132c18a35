import type { DeploymentRecord } from '../../../model/deployment-record.ts'
import { labelled, revisionLabel } from './version.ts'

type Labels = Record<string, string> | null | undefined

/**
 * What history calls the version that a tag names: `1.1.0` for the tag `v1.1.0`, and for a commit's tag the version whose record, or
 * whose label on the image, names that commit. The tag itself where history has none of these.
 */
export function knownAs(tag: string, labels: Labels, history: readonly DeploymentRecord[]): string {
  const { versions, numbers, commits } = indexOf(history)
  if (versions.has(tag)) return tag
  return numbers.get(bare(tag)) ?? commits.find((one) => isSameCommit(one, tag, labels))?.version ?? tag
}

interface Index {
  versions: ReadonlySet<string>
  /** Its version by each number without a v. */
  numbers: ReadonlyMap<string, string>
  /** One record for each version and commit, newest first. */
  commits: readonly DeploymentRecord[]
}

const indices = new WeakMap<readonly DeploymentRecord[], Index>()

/** A registry may have thousands of tags, and a history thousands of records. */
function indexOf(history: readonly DeploymentRecord[]): Index {
  const known = indices.get(history)
  if (known) return known
  const numbers = new Map<string, string>()
  const commits = new Map<string, DeploymentRecord>()
  for (const record of history) {
    const number = bare(record.version)
    if (!numbers.has(number)) numbers.set(number, record.version)
    const key = `${record.version} ${record.commit ?? ''}`
    if (!commits.has(key)) commits.set(key, record)
  }
  const index = { versions: new Set(history.map(({ version }) => version)), numbers, commits: [...commits.values()] }
  indices.set(history, index)
  return index
}

/** `v1.1.0` and `1.1.0`. */
export const isSameNumber = (a: string, b: string): boolean => bare(a) === bare(b)

const bare = (version: string): string => version.replace(/^v(?=\d)/, '')

/** One of both is named by a commit; two version numbers of one commit stay two. */
function isSameCommit({ version, commit }: DeploymentRecord, tag: string, labels: Labels): boolean {
  const [ofTag, ofVersion] = [commitIn(tag), commitIn(version)]
  if (!ofTag && !ofVersion) return false
  const label = labelled(labels)
  if (ofTag && label !== undefined && isSameNumber(label, version)) return true
  const told = [commit?.toLowerCase(), ofVersion]
  const known = [labels?.[revisionLabel]?.toLowerCase(), ofTag]
  return told.some((one) => known.some((other) => one !== undefined && other !== undefined && begins(one, other)))
}

const begins = (a: string, b: string): boolean =>
  Math.min(a.length, b.length) >= 7 && (a.startsWith(b) || b.startsWith(a))

/** The commit in `3f2a9c1` or `sha-3f2a9c1`; a date such as 20260318 is none. */
function commitIn(text: string): string | undefined {
  const [, prefix, hex = ''] = /^((?:sha|git|commit|rev)[-_.]?|g)?([0-9a-f]{7,64})$/i.exec(text) ?? []
  return hex && (prefix || hex.length >= 40 || /[a-f]/i.test(hex)) ? hex.toLowerCase() : undefined
}
