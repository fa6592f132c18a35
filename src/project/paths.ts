import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '../support/errors.ts'

/** Where the files of a project lie; none of them needs to exist. */
export interface ProjectPaths {
  projectDir: string
  deployFile: string
  rollbacksDir: string
  incidentsDir: string
  /** The lock of one target's rollbacks. */
  lockFile(target: string): string
}

interface Whereabouts {
  env: NodeJS.ProcessEnv
  cwd: string
  /** The host's MCP roots, as file URIs or paths. */
  roots?: readonly string[]
}

/**
 * Finds the project: CLAUDE_PROJECT_DIR, else the MCP roots (the first that has a deploy.json, else the first), else the working
 * directory; from there up to the nearest folder that holds .claude/popkit or .git, or the starting folder itself when none does.
 * @throws ConfigError when CLAUDE_PROJECT_DIR names no folder.
 */
export function findProject({ env, cwd, roots = [] }: Whereabouts): string {
  const named = env.CLAUDE_PROJECT_DIR
  if (named && !named.startsWith('${')) return markedAbove(existingFolder(resolve(cwd, named)))
  const projects = roots.map(pathOfRoot).filter(isFolder).map(markedAbove)
  return projects.find((dir) => existsSync(projectPaths(dir).deployFile)) ?? projects[0] ?? markedAbove(resolve(cwd))
}

/** Takes a project directory; touches nothing. */
export function projectPaths(projectDir: string): ProjectPaths {
  const popkitDir = join(projectDir, '.claude', 'popkit')
  const rollbacksDir = join(popkitDir, 'rollbacks')
  return {
    projectDir,
    deployFile: join(popkitDir, 'deploy.json'),
    rollbacksDir,
    incidentsDir: join(popkitDir, 'incidents'),
    lockFile: (target) => join(rollbacksDir, `${fileNameOf(target)}.lock`)
  }
}

/** A target's name as a part of a file name: itself when harmless, else what is harmless of it and a hash, so that no two meet. */
export function fileNameOf(target: string): string {
  if (/^[a-z0-9][a-z0-9_-]{0,63}$/.test(target)) return target
  const harmless = target
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, 40)
    .toLowerCase()
  return `${harmless.replace(/^-+/, '') || 'target'}-${createHash('sha256').update(target).digest('hex').slice(0, 8)}`
}

function markedAbove(start: string): string {
  for (let dir = start; ; dir = dirname(dir)) {
    // ~/.claude is the host's own folder, no project of anything below it
    if (dir === homedir() && dir !== start) return start
    if (existsSync(join(dir, '.claude', 'popkit')) || existsSync(join(dir, '.git'))) return dir
    if (dirname(dir) === dir) return start
  }
}

function existingFolder(dir: string): string {
  if (isFolder(dir)) return dir
  throw new ConfigError({
    what: 'The project was not found',
    why: `CLAUDE_PROJECT_DIR names ${dir}, which is no folder`,
    next: 'Start the host in the project again, or set CLAUDE_PROJECT_DIR to its folder.',
    code: 'no_project'
  })
}

const isFolder = (path: string): boolean =>
  isAbsolute(path) && (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)

function pathOfRoot(root: string): string {
  if (!root.startsWith('file:')) return root
  try {
    return fileURLToPath(root)
  } catch {
    return ''
  }
}

/** Where deploy.json is: in the project, else where CLAUDE_PLUGIN_DATA says; the project's place when there is none. */
export function locateDeployFile(
  paths: ProjectPaths,
  env: NodeJS.ProcessEnv
): { path: string; fromPluginData: boolean } {
  const elsewhere = env.CLAUDE_PLUGIN_DATA ? join(env.CLAUDE_PLUGIN_DATA, 'deploy.json') : ''
  const fromPluginData = elsewhere !== '' && !existsSync(paths.deployFile) && existsSync(elsewhere)
  return { path: fromPluginData ? elsewhere : paths.deployFile, fromPluginData }
}
