import { createHash } from 'node:crypto'
import { compare, explain } from '@renovatebot/pep440'

export interface FileState {
  name: string
  content: Buffer
  requiresPython: string | null
  uploadedAt: string
  /** The index lists it, the bytes are gone. */
  lost?: boolean
}

export interface VersionState {
  version: string
  files: FileState[]
  yanked: boolean
  /** Its administrators took it out of the index; nothing tells it from a deleted one. */
  quarantined?: boolean
  reason: string | null
  requires: string[]
  requiresPython: string | null
}

/** One project as PyPI keeps it. */
export interface PypiState {
  name: string
  versions: VersionState[]
  status: string | null
  vulnerabilities: Record<string, { id: string; summary: string }[]>
}

export interface NewVersion {
  requiresPython?: string
  requires?: string[]
  kinds?: ('wheel' | 'sdist')[]
  at?: string
}

/** Uploads a version as a deployment does: a wheel and a source distribution. */
export function upload(state: PypiState, version: string, more: NewVersion = {}): VersionState {
  const { kinds = ['wheel', 'sdist'], requiresPython = '>=3.8' } = more
  const stem = state.name.replace(/[-_.]+/g, '_').toLowerCase()
  const at = more.at ?? new Date(Date.UTC(2026, 0, 1) + state.versions.length * 86_400_000).toISOString()
  const names = { wheel: `${stem}-${version}-py3-none-any.whl`, sdist: `${stem}-${version}.tar.gz` }
  const made: VersionState = {
    version,
    files: kinds.map((kind) => ({
      name: names[kind],
      content: Buffer.from(`${names[kind]}\n`.repeat(100)),
      requiresPython,
      uploadedAt: at
    })),
    yanked: false,
    reason: null,
    requires: more.requires ?? [],
    requiresPython
  }
  state.versions.push(made)
  return made
}

/** What an owner does on the page of a release. */
export function yank(state: PypiState, version: string, reason: string | null = null, yanked = true): void {
  const found = state.versions.find((one) => one.version === version)
  if (found) Object.assign(found, { yanked, reason: yanked ? reason : null })
}

/** What the index shows: a release in quarantine, and every one of a project in quarantine, is not there; nor is one without files. */
export const shown = ({ versions, status }: PypiState): VersionState[] =>
  status === 'quarantined' ? [] : versions.filter(({ quarantined, files }) => !quarantined && files.length > 0)

/** The order of "latest" on PyPI: not yanked first, then full releases, then the highest. */
export function newest(state: PypiState): VersionState | undefined {
  const rank = ({ version, yanked }: VersionState): number => {
    const parsed = explain(version)
    return (yanked ? 2 : 0) + (parsed?.is_prerelease || parsed?.is_devrelease ? 1 : 0)
  }
  return state.versions
    .filter(({ quarantined }) => !quarantined)
    .sort((a, b) => rank(a) - rank(b) || compare(b.version, a.version))[0]
}

export const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex')
