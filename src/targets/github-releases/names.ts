import { ConfigError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'

export interface Repository {
  owner: string
  name: string
  /** The host that an address named; null where only owner/name was given. */
  host: string | null
}

/** Tags that a release may have and that a command line, an address and Markdown can hold as they are (git-check-ref-format, made narrower). */
export const tagPattern =
  /^(?=.{1,200}$)(?!.*(?:\.\.|\/\/|@\{|\/\.|\.lock(?:\/|$)))(?!@$)[A-Za-z0-9@_][A-Za-z0-9._+@/-]*(?<![./])$/

const owner = '[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98})'
const repo = '(?!\\.{1,2}(?:\\.git)?$)[A-Za-z0-9._-]{1,100}'
const plainPattern = new RegExp(`^(?:([A-Za-z0-9.-]+(?::\\d{1,5})?)/)?(${owner})/(${repo})$`)
const scpPattern = new RegExp(`^(?:[\\w.-]+@)?([A-Za-z0-9.-]+):/?(${owner})/(${repo}?)/?$`)

/**
 * Reads a repository from owner/name, host/owner/name, or any address that git takes for one; null when it is none.
 * A password within the address is not looked at.
 */
export function repositoryFrom(text: string): Repository | null {
  const trimmed = text.trim()
  const plain = plainPattern.exec(trimmed)
  if (plain) return made(plain[1] ?? null, plain[2], plain[3])
  if (URL.canParse(trimmed)) {
    const { protocol, host, hostname, pathname } = new URL(trimmed)
    const [ofPath, rest] = [/^\/([^/]+)\/([^/]+?)\/?$/.exec(pathname), `${protocol}`]
    if (!ofPath || !/^(https?|ssh|git|git\+ssh):$/.test(rest)) return null
    const found = plainPattern.exec(`${ofPath[1]}/${ofPath[2]}`)
    return found && made(/^https?:$/.test(protocol) ? host : hostname, found[2], found[3])
  }
  const scp = scpPattern.exec(trimmed)
  return scp && made(scp[1] ?? null, scp[2], scp[3])
}

const made = (host: string | null, owner = '', name = ''): Repository => ({
  host: host === 'ssh.github.com' ? 'github.com' : (host?.toLowerCase() ?? null),
  owner,
  name: name.replace(/\.git$/, '')
})

/** @throws ConfigError unless the text names a repository. */
export function repositoryNamed(text: string, where: string): Repository {
  const found = repositoryFrom(text)
  if (found) return found
  throw new ConfigError({
    what: 'The name of the GitHub repository is not valid',
    why: `"${oneLine(text.replace(/\/\/[^/@]*@/, '//***@'), 80)}" (${where}) is neither owner/name nor the address of a repository`,
    next: 'Set `config.repository` of the target in deploy.json to owner/name.',
    code: 'bad_repository'
  })
}

/** What stands before the version in a tag: releases of one repository may be of several series, as `web@1.2.0` and `cli@0.3.1`. */
export function seriesOf(tag: string): string {
  const dotted = tag.search(/(?<!\d)\d+\.\d/)
  const before = tag.slice(0, dotted < 0 ? tag.search(/\d|$/) : dotted)
  return before.replace(/v$/, '')
}

/** The version that a tag names within its series: "1.2.0" of `web@1.2.0` and of v1.2.0. */
export const versionIn = (tag: string): string => tag.slice(seriesOf(tag).length).replace(/^v/, '')

/** A series as people name it: "@acme/core" of the tag @acme/core@1.1.0, '' where tags are versions alone. */
export const seriesName = (tag: string): string => withoutEnd(seriesOf(tag))

/** Without what joins it to a version; so `series` of deploy.json may be written with it, or not. */
export const withoutEnd = (text: string): string => text.replace(/(?<![@/_-])[@/_-]+$/, '')
