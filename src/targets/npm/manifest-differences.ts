import { oneLine } from '../../support/text.ts'
import type { Manifest } from './packument.ts'

const entryPoints = ['main', 'module', 'exports', 'bin', 'type', 'types', 'engines', 'os', 'cpu']

/** What differs between two versions as their manifests tell, most telling first, one line each. */
export function manifestDifferences(before: Manifest, after: Manifest): string[] {
  return [
    ...sizeDifference(before, after),
    ...entryPoints.flatMap((field) => fieldDifference(field, before[field], after[field])),
    ...['preinstall', 'install', 'postinstall'].flatMap((script) =>
      fieldDifference(`script ${script}`, recordOf(before.scripts)[script], recordOf(after.scripts)[script])
    ),
    ...['dependencies', 'peerDependencies', 'optionalDependencies'].flatMap((kind) =>
      dependencyDifferences(kind, recordOf(before[kind]), recordOf(after[kind]))
    )
  ]
}

/** Files that were forgotten in a publication show as a fall in number or size. */
function sizeDifference({ dist: before }: Manifest, { dist: after }: Manifest): string[] {
  const lines: string[] = []
  if (before?.fileCount && after?.fileCount && before.fileCount !== after.fileCount)
    lines.push(`it has ${after.fileCount} files, before ${before.fileCount}`)
  if (
    before?.unpackedSize &&
    after?.unpackedSize &&
    Math.abs(after.unpackedSize - before.unpackedSize) > before.unpackedSize / 10
  )
    lines.push(`it unpacks to ${after.unpackedSize} bytes, before ${before.unpackedSize}`)
  return lines
}

const fieldDifference = (name: string, before: unknown, after: unknown): string[] =>
  JSON.stringify(before) === JSON.stringify(after) ? [] : [`${name} is ${said(after)}, before ${said(before)}`]

function dependencyDifferences(
  kind: string,
  before: Record<string, unknown>,
  after: Record<string, unknown>
): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return names
    .filter((name) => before[name] !== after[name])
    .map((name) => `${kind}: ${oneLine(name, 80)} is ${said(after[name])}, before ${said(before[name])}`)
}

const said = (value: unknown): string =>
  value === undefined ? 'not there' : oneLine(typeof value === 'string' ? value : JSON.stringify(value), 80)

const recordOf = (value: unknown): Record<string, unknown> =>
  value && typeof value === 'object' ? (value as Record<string, unknown>) : {}
