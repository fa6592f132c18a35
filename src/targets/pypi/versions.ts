import { compare, explain, satisfies } from '@renovatebot/pep440'
import type { DistributionKind } from './config.ts'
import { normalVersion, versionOfFile } from './names.ts'
import type { SimpleProject } from './shapes.ts'

export interface IndexFile {
  name: string
  url: string
  sha256: string | null
  size: number | null
  kind: DistributionKind
  requiresPython: string | null
  yanked: boolean
  yankedReason: string | null
  uploadedAt: string | null
}

export interface IndexVersion {
  version: string
  files: IndexFile[]
  /** Every file of it is. A version without files is not. */
  yanked: boolean
  yankedReason: string | null
  prerelease: boolean
  /** When its first file was uploaded, ISO 8601. */
  uploadedAt: string | null
}

/** A project as an index shows it to installers. */
export interface Known {
  /** Highest first, by PEP 440. */
  versions: IndexVersion[]
  /** PEP 792: active, archived, quarantined or deprecated; null where the index does not say. */
  status: string | null
}

/** Why an index shows nothing of a version. One in quarantine looks like a deleted one, and may come back. */
export const whyAbsent = ({ status }: Known): string =>
  status === 'quarantined'
    ? 'the project is in quarantine, and the index shows none of its files'
    : 'the index shows no files of it: they were deleted, and then no file name is accepted twice, or the release is in quarantine'

export function groupVersions(project: SimpleProject, name: string, page: string): Known {
  const byVersion = new Map<string, IndexFile[]>()
  for (const version of project.versions ?? []) {
    const normal = normalVersion(version)
    if (normal) byVersion.set(normal, [])
  }
  for (const file of project.files) {
    const version = versionOfFile(file.filename, name)
    if (!version || !URL.canParse(file.url, page)) continue
    const files = byVersion.get(version) ?? []
    files.push(fileOf(file, page))
    byVersion.set(version, files)
  }
  const versions = [...byVersion].map(([version, files]) => versionOf(version, files))
  return {
    versions: versions.sort((a, b) => compare(b.version, a.version)),
    status: project['project-status']?.status ?? null
  }
}

function fileOf(file: SimpleProject['files'][number], page: string): IndexFile {
  const at = file['upload-time'] ?? ''
  return {
    name: file.filename,
    url: new URL(file.url, page).href,
    sha256: file.hashes?.sha256 ?? null,
    size: file.size ?? null,
    kind: file.filename.endsWith('.whl') ? 'wheel' : 'sdist',
    requiresPython: file['requires-python'] ?? null,
    // PEP 592: also an empty text means yanked in HTML; in JSON, a text is the reason
    yanked: typeof file.yanked === 'string' || file.yanked === true,
    yankedReason: typeof file.yanked === 'string' && file.yanked !== '' ? file.yanked : null,
    uploadedAt: Number.isNaN(Date.parse(at)) ? null : new Date(at).toISOString()
  }
}

function versionOf(version: string, files: IndexFile[]): IndexVersion {
  const parsed = explain(version)
  return {
    version,
    files: files.sort((a, b) => a.name.localeCompare(b.name)),
    yanked: files.length > 0 && files.every(({ yanked }) => yanked),
    yankedReason: files.find(({ yankedReason }) => yankedReason)?.yankedReason ?? null,
    prerelease: Boolean(parsed?.is_prerelease || parsed?.is_devrelease),
    uploadedAt: files.flatMap(({ uploadedAt }) => uploadedAt ?? []).sort()[0] ?? null
  }
}

/** Versions of Python that are looked at, the newest first; the patch is high, so that bounds within a minor version are met. */
export const pythons = ['3.15', '3.14', '3.13', '3.12', '3.11', '3.10', '3.9', '3.8', '3.7', '3.6', '2.7'] as const

const runsOn = (file: IndexFile, python: string): boolean => {
  if (!file.requiresPython) return true
  try {
    return satisfies(`${python}.30`, file.requiresPython)
  } catch {
    return true
  }
}

/** Whether an installer on a Python may take a version without having been told it exactly; any Python when none is given. */
export const installable = (version: IndexVersion, python?: string): boolean =>
  version.files.some((file) => !file.yanked && (python === undefined || runsOn(file, python)))

/**
 * What an installer takes when it is asked for the project alone: the highest version with a file that is not yanked (PEP 592) and runs on
 * its Python; a prerelease only where there is nothing else (PEP 440, "Handling of pre-releases"). Tags of platforms are not looked at.
 */
export function chosen({ versions }: Known, python?: string): IndexVersion | null {
  const possible = versions.filter((version) => installable(version, python))
  return possible.find(({ prerelease }) => !prerelease) ?? possible[0] ?? null
}

/** The choice on the newest Python that has one. */
export function chosenByMost(known: Known): IndexVersion | null {
  for (const python of pythons) {
    const version = chosen(known, python)
    if (version) return version
  }
  return null
}

/** Whether an installer takes `one` before a candidate, unless it is yanked. */
export const prefers = (one: IndexVersion, candidate: IndexVersion): boolean =>
  (candidate.prerelease && !one.prerelease) ||
  (candidate.prerelease === one.prerelease && compare(one.version, candidate.version) > 0)

/** Versions that an installer would prefer to a candidate, highest first: those that have to be yanked. */
export const inFrontOf = ({ versions }: Known, candidate: IndexVersion): IndexVersion[] =>
  versions.filter((one) => installable(one) && prefers(one, candidate))

export const digestsOf = ({ files }: IndexVersion): Record<string, string> =>
  Object.fromEntries(files.map(({ name, sha256, size }) => [name, sha256 ?? `${size ?? 'unknown'} bytes`]))

export const kindsOf = ({ files }: IndexVersion): DistributionKind[] => [...new Set(files.map(({ kind }) => kind))]
