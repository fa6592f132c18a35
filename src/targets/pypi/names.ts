import { clean, compare, explain } from '@renovatebot/pep440'
import { ConfigError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'

/** A version by PEP 440, in the spellings that its appendix B allows, without whitespace; at most 128 characters. */
export const versionPattern =
  /^(?=.{1,128}$)v?(?:\d+!)?\d+(?:\.\d+)*(?:[-_.]?(?:alpha|a|beta|b|preview|pre|c|rc)[-_.]?\d*)?(?:-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?(?:[-_.]?dev[-_.]?\d*)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/i

/** @throws ConfigError unless the text is the name of a project (PyPA: "Names and normalization"). */
export function projectName(text: string): string {
  if (/^(?=.{1,100}$)[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(text)) return text
  throw new ConfigError({
    what: 'The name of the Python project is not valid',
    why: `"${oneLine(text, 60)}" is no name that an index takes`,
    next: 'Correct `name` in pyproject.toml, or `config.package` of the target in deploy.json.',
    code: 'bad_package_name'
  })
}

export const normalized = (name: string): string => name.replace(/[-_.]+/g, '-').toLowerCase()

/** The version as PEP 440 writes it normally; null when it is none. */
export const normalVersion = (version: string): string | null =>
  // its local part comes back with commas
  versionPattern.test(version) ? (clean(version.replace(/^v/i, ''))?.replaceAll(',', '.') ?? null) : null

/** The version that a file of a project is of (PyPA: "Binary distribution format", "Source distribution format"); null when it is of none. */
export function versionOfFile(filename: string, project: string): string | null {
  if (filename.length > longestFilename) return null
  if (filename.endsWith('.whl') || filename.endsWith('.egg')) {
    const [name = '', version = ''] = filename.split('-')
    return normalized(name) === normalized(project) ? normalVersion(version.replaceAll('_', '-')) : null
  }
  const stem = filename.replace(/\.(tar\.(gz|bz2|xz|Z)|tgz|zip)$/, '')
  if (stem === filename) return null
  const written = new RegExp(`^${normalized(project).split('-').join('[-_.]+')}-(.+)$`, 'i')
  const version = written.exec(stem)?.[1]
  return version === undefined ? null : normalVersion(version)
}

/** No file system takes a longer one. */
const longestFilename = 255

/** A version that comes after all of these. */
export function higherVersion(versions: readonly string[]): string {
  const highest = [...versions].sort(compare).at(-1)
  const parsed = highest === undefined ? null : explain(highest)
  if (!parsed) return 'the next one'
  const release = [...parsed.release, 0, 0].slice(0, Math.max(3, parsed.release.length))
  release.push((release.pop() ?? 0) + 1)
  return `${parsed.epoch ? `${parsed.epoch}!` : ''}${release.join('.')}`
}
