import { oneLine } from '../../../support/text.ts'
import type { Template } from '../objects/objects.ts'

/** What differs between two pod templates, one line each; the values of environment variables are never told. */
export function differences(before: Template, after: Template): string[] {
  const [old, now] = [flat(before), flat(after)]
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)]
    if (was === is) return []
    if (/\.env\..+\.value$/.test(path)) return [`${path} changed (values are not shown)`]
    return [`${path}: ${was ?? 'absent'} -> ${is ?? 'absent'}`]
  })
}

function flat(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(value))
    for (const [index, item] of value.entries()) flat(item, `${path}.${nameOf(item) ?? index}`, into)
  else if (value && typeof value === 'object')
    for (const [key, item] of Object.entries(value)) flat(item, path ? `${path}.${key}` : key, into)
  else if (value !== null && value !== undefined) into.set(path, oneLine(JSON.stringify(value), 200))
  return into
}

const nameOf = (item: unknown): string | undefined => {
  const name = (item as { name?: unknown } | null)?.name
  return typeof name === 'string' ? name : undefined
}
