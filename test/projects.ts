import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const root = join(import.meta.dirname, '..')

/** What each project needs before its tests start. */
export const projects = {
  unit: { built: false, backends: [] },
  fakes: { built: true, backends: [] },
  npm: { built: true, backends: ['npm'] },
  docker: { built: true, backends: ['docker'] },
  'docker-current': { built: true, backends: ['docker-current'] },
  kubernetes: { built: true, backends: ['kubernetes', 'helm'] },
  // After docker: a file on the engine alone belongs there.
  prometheus: { built: true, backends: ['prometheus', 'docker'] },
  browser: { built: false, backends: ['chromium'] },
  host: { built: true, backends: ['npm', 'host'] }
} satisfies Record<string, { built: boolean; backends: string[] }>

export type ProjectName = keyof typeof projects

/** Tests that run on the current engine, too. */
const onCurrentEngine =
  /^test\/targets\/docker\/(?:end-to-end|faithful|compose\/compose|compose\/revival|swarm\/swarm)\.test\.ts$/

/**
 * Sorts every test file: a file on a backend, which it names in `describeOn`, belongs to that backend's project; one that starts a
 * built program, itself or by a fixture, to `fakes`; every other one to `unit`.
 */
export function filesByProject(): Record<ProjectName, string[]> {
  const sorted: Record<ProjectName, string[]> = {
    unit: [],
    fakes: [],
    npm: [],
    prometheus: [],
    docker: [],
    'docker-current': [],
    kubernetes: [],
    browser: [],
    host: []
  }
  for (const entry of readdirSync(join(root, 'test'), { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    if (entry.name.endsWith('.test.ts') && !file.includes('node_modules'))
      sorted[projectOf(file)].push(relative(root, file))
  }
  sorted['docker-current'] = sorted.docker.filter((file) => onCurrentEngine.test(file))
  return sorted
}

const onBackend = /\bdescribeOn(?:OwnEngine\(|\(\s*'(\w+)')/
const relativeImport = /^(?:import|export)(?! type\b)[^']* from '(\.[^']+\.ts)'/gm
const builtPrograms = join(root, 'testkit/dist.ts')

function projectOf(file: string): ProjectName {
  const named = onBackend.exec(textOf(file))
  const backend = named && (named[1] ?? 'docker')
  const names = Object.keys(projects) as ProjectName[]
  const project = names.find((name) => backend && (projects[name].backends as string[]).includes(backend))
  return project ?? (importedBy(file).has(builtPrograms) ? 'fakes' : 'unit')
}

/** Every file of the tests that a file imports, directly or not. */
function importedBy(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found
  found.add(file)
  for (const [, path = ''] of textOf(file).matchAll(relativeImport)) {
    const imported = resolve(dirname(file), path)
    if (!imported.startsWith(join(root, 'src/'))) importedBy(imported, found)
  }
  return found
}

const texts = new Map<string, string>()

function textOf(file: string): string {
  const text = texts.get(file) ?? readFileSync(file, 'utf8')
  texts.set(file, text)
  return text
}
