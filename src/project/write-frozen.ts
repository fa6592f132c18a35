import { type Node, parse, parseTree } from 'jsonc-parser'
import type { Frozen } from '../model/frozen.ts'
import { type ChangeOptions, changeDeployFile } from './change-deploy-file.ts'
import { isSameVersion, readFrozen } from './frozen.ts'
import type { ProjectPaths } from './paths.ts'

type WriteOptions = Omit<ChangeOptions, 'what'>

/** Writes a freeze, in the place of an earlier one of the same version. @throws as changeDeployFile. */
export const freeze = (paths: ProjectPaths, frozen: Frozen, at: string, options: WriteOptions): Promise<string> =>
  changeDeployFile(
    paths,
    (text) => {
      const { target, version, until, reason } = frozen
      const entry = { target, version, until, ...(reason && { reason }), at }
      return withFrozen(text, [entry, ...othersIn(text, (one) => isSame(one, target, version))])
    },
    { ...options, what: 'the freeze' }
  )

/** Ends the freezes of a target, or of one version of it. @throws as changeDeployFile. */
export const unfreeze = (
  paths: ProjectPaths,
  { target, version }: { target: string; version?: string | undefined },
  options: WriteOptions
): Promise<string> =>
  changeDeployFile(
    paths,
    (text) =>
      withFrozen(
        text,
        othersIn(text, (one) => isSame(one, target, version))
      ),
    {
      ...options,
      what: 'the end of the freeze'
    }
  )

/** What is no freeze stays, too. */
const othersIn = (text: string, isMeant: (one: Frozen) => boolean): unknown[] => {
  const raw: unknown = (parse(text) as { frozen?: unknown }).frozen
  return (Array.isArray(raw) ? raw : []).filter((entry) => !readFrozen([entry]).some(isMeant))
}

const isSame = (one: Frozen, target: string, version: string | undefined): boolean =>
  one.target === target && (version === undefined || isSameVersion(one.version, version))

/** All else in the file stays as it is written: the list comes before the history, or last. */
function withFrozen(text: string, entries: readonly unknown[]): string {
  const properties = parseTree(text)?.children ?? []
  const named = (name: string): Node | undefined => properties.findLast((one) => one.children?.[0]?.value === name)
  const place = named('frozen')
  const gap = gapBefore(text, properties[0]?.offset ?? 0)
  const written = `"frozen": ${listOf(entries, gap)}`
  if (place) {
    const at = properties.indexOf(place)
    return entries.length > 0 ? splice(text, place.offset, endOf(place), written) : without(text, properties, at)
  }
  if (entries.length === 0) return text
  const history = named('history')
  if (history) return splice(text, history.offset, history.offset, `${written},${gapBefore(text, history.offset)}`)
  const last = properties.at(-1)
  const end = last ? endOf(last) : text.indexOf('{') + 1
  return splice(text, end, end, `${last ? ',' : ''}${gap}${written}`)
}

function without(text: string, properties: readonly Node[], at: number): string {
  const [before, place, after] = [properties[at - 1], properties[at], properties[at + 1]]
  if (!place) return text
  if (after) return splice(text, place.offset, after.offset, '')
  return splice(text, before ? endOf(before) : place.offset, endOf(place), '')
}

const endOf = ({ offset, length }: Node): number => offset + length

const splice = (text: string, start: number, end: number, put: string): string =>
  text.slice(0, start) + put + text.slice(end)

/** The blanks before a place. */
const gapBefore = (text: string, offset: number): string =>
  text.slice(0, offset).slice(text.slice(0, offset).trimEnd().length)

/** Laid out as the file is, with one indentation more. */
function listOf(entries: readonly unknown[], gap: string): string {
  if (!gap.includes('\n')) return JSON.stringify(entries)
  const indent = gap.slice(gap.lastIndexOf('\n') + 1)
  const eol = gap.includes('\r\n') ? '\r\n' : '\n'
  return JSON.stringify(entries, null, indent || '  ').replaceAll('\n', `${eol}${indent}`)
}
