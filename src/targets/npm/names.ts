import semver from 'semver'
import { ConfigError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'

/** An exact version by semver.org's grammar, a leading v is passed over; at most 256 characters as npm allows. */
export const versionPattern =
  /^(?=.{1,256}$)v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/

/** Names of packages, old ones with capitals included; at most 214 characters, as npm's registry has it; none reads as an option. */
const packagePattern = /^(?=.{1,214}$)(?:@[A-Za-z0-9~-][\w.~-]*\/[A-Za-z0-9~-]|[A-Za-z0-9~])[\w.~-]*$/

/** Throws ConfigError unless the text is the name of a package. */
export function packageName(text: string): string {
  if (packagePattern.test(text)) return text
  throw new ConfigError({
    what: 'The name of the npm package is not valid',
    why: `"${oneLine(text, 60)}" is not a name that registries accept`,
    next: 'Correct `name` in package.json, or `config.package` of the target in deploy.json.',
    code: 'bad_package_name'
  })
}

export const isVersion = (text: string): boolean => versionPattern.test(text)

/** Whether a text may name a dist-tag; a version range may not, because `npm i x@v1` would be ambiguous. */
export const isTag = (text: string): boolean =>
  /^[A-Za-z_][\w.~-]{0,127}$/.test(text) && semver.validRange(text) === null

/** Throws ConfigError unless the text may name a dist-tag. */
export function tagName(text: string): string {
  if (isTag(text)) return text
  throw new ConfigError({
    what: 'The name of the dist-tag is not valid',
    why: `"${oneLine(text, 60)}" is not a tag that registries accept`,
    next: 'Correct `config.tag` of the target in deploy.json; the default is `latest`.',
    code: 'bad_tag'
  })
}

/** As registries want it within a path: the slash of a scoped name is escaped. */
export const escapedName = (name: string): string => name.replace('/', '%2f')

export const scopeOf = (name: string): string | null => (name.startsWith('@') ? (name.split('/')[0] ?? null) : null)
