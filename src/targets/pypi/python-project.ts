import { join } from 'node:path'
import { readText } from '../../support/read-text.ts'

export interface NamedProject {
  name: string
  /** The file that says so. */
  file: string
}

const mostBytes = 1_000_000

/**
 * The name of the Python project in a folder: of pyproject.toml ([project], else Poetry's table), else of setup.cfg. setup.py is a
 * program and is not run. null when none says it.
 */
export async function pythonProject(projectDir: string): Promise<NamedProject | null> {
  const toml = await readText(join(projectDir, 'pyproject.toml'), mostBytes).catch(() => null)
  const name = toml === null ? null : await nameFromToml(toml)
  if (name) return { name, file: 'pyproject.toml' }
  const cfg = await readText(join(projectDir, 'setup.cfg'), mostBytes).catch(() => null)
  const fromCfg = cfg === null ? null : nameFromCfg(cfg)
  return fromCfg ? { name: fromCfg, file: 'setup.cfg' } : null
}

async function nameFromToml(text: string): Promise<string | null> {
  const { parse } = await import('smol-toml')
  try {
    const { project, tool } = parse(text.replace(/^\ufeff/, ''))
    const poetry = tableOf(tableOf(tool)?.poetry)
    const name = tableOf(project)?.name ?? poetry?.name
    return typeof name === 'string' && name ? name : null
  } catch {
    return null
  }
}

const tableOf = (value: unknown): Record<string, unknown> | null =>
  value && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null

function nameFromCfg(text: string): string | null {
  let section = ''
  for (const line of text.split(/\r?\n/)) {
    section = /^\[([^\]]+)\]/.exec(line)?.[1] ?? section
    const name = section === 'metadata' ? /^name\s*[=:]\s*(\S+)\s*$/.exec(line)?.[1] : undefined
    if (name && !/^(attr|file):/.test(name)) return name
  }
  return null
}
