import { InputError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'

/** The version that a call names for a group: one for all of its targets, or one for each that goes back. */
export type GroupVersion = { all: string } | { each: ReadonlyMap<string, string> }

/**
 * Reads "1.1.0", or "docker=1.1.0,npm=1.1.0".
 * @throws InputError for a list in which a target has no version, or is not among those asked for.
 */
export function groupVersion(text: string | undefined, names: readonly string[]): GroupVersion | null {
  if (text === undefined) return null
  if (!text.includes('=')) return { all: text }
  const each = new Map(
    text.split(',').map((part) => {
      const at = part.indexOf('=')
      const [name, version] = [part.slice(0, at).trim(), part.slice(at + 1).trim()]
      if (at < 1 || version === '') throw unreadable(`"${oneLine(part, 60)}" is not TARGET=VERSION`)
      if (!names.includes(name)) throw unreadable(`${oneLine(name, 60)} is not one of ${names.join(', ')}`)
      return [name, version] as const
    })
  )
  return { each }
}

const unreadable = (why: string): InputError =>
  new InputError({
    what: 'Invalid version',
    why,
    next: 'Pass one version for all targets, or the version of the plan as the assessment shows it.',
    code: 'bad_version'
  })

/** The version of a plan of several targets, as the next call takes it. */
export const versionLabel = (members: readonly { target: string; version: string }[]): string =>
  members.map(({ target, version }) => `${target}=${version}`).join(',')
