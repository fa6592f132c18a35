import { createHash } from 'node:crypto'
import { existsSync, lstatSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '../support/errors.ts'
import { checkOwner } from './owner.ts'

/** Where the files of a project lie; none of them needs to exist. Each throws a ConfigError where a link leads out of the project. */
export interface ProjectPaths {
  projectDir: string
  readonly deployFile: string
  readonly rollbacksDir: string
  readonly incidentsDir: string
  /** The lock of the rollbacks of several targets as one. */
  readonly groupLock: string
  /** The lock of one target's rollbacks. */
  lockFile(target: string): string
  /** How far the watch of one target's newest deployment is. */
  watchFile(target: string): string
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
 * @throws ConfigError when CLAUDE_PROJECT_DIR names no folder, or another user decides in the project.
 */
export function findProject({ env, cwd, roots = [] }: Whereabouts): string {
  const found = nearestProject(env.CLAUDE_PROJECT_DIR, cwd, roots)
  checkOwner(found, env)
  return found
}

function nearestProject(named: string | undefined, cwd: string, roots: readonly string[]): string {
  if (named && !named.startsWith('${')) return markedAbove(existingFolder(resolve(cwd, named)))
  const projects = roots.map(pathOfRoot).filter(isFolder).map(markedAbove)
  return (
    projects.find((dir) => existsSync(join(dir, popkitDir, 'deploy.json'))) ?? projects[0] ?? markedAbove(resolve(cwd))
  )
}

const popkitDir = join('.claude', 'popkit')

/** Takes a project directory. */
export function projectPaths(projectDir: string): ProjectPaths {
  const own = (...parts: string[]): string => ownPath(projectDir, join(projectDir, popkitDir, ...parts))
  return {
    projectDir,
    get deployFile() {
      return own('deploy.json')
    },
    get rollbacksDir() {
      return own('rollbacks')
    },
    get incidentsDir() {
      return own('incidents')
    },
    get groupLock() {
      return own('rollbacks', '.group.lock')
    },
    lockFile: (target) => own('rollbacks', `${fileNameOf(target)}.lock`),
    watchFile: (target) => own('watches', `${fileNameOf(target)}.json`)
  }
}

/**
 * Takes the path of a project's file, which need not exist, and returns it. A link in it may lead anywhere within the git repository
 * that holds the project, as in a monorepo.
 * @throws ConfigError when a link leads out of that: such a file is not the project's.
 */
export function ownPath(projectDir: string, path: string): string {
  const real = realPlace(path)
  const within = relative(repositoryOf(realPlace(projectDir)), real)
  if (real !== '' && within.split(/[/\\]/)[0] !== '..' && !isAbsolute(within)) return path
  throw new ConfigError({
    what: `${path} is not used`,
    why: `a link in it leads ${real ? `out of the project, to ${real}` : 'nowhere'}`,
    next: `Put the file or folder itself into ${projectDir} in place of the link.`,
    code: 'foreign_link'
  })
}

/** Where a path leads, also when its end does not exist; empty when it ends in a link to nothing. */
function realPlace(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    if (isLink(path)) return ''
    const folder = dirname(path) === path ? path : realPlace(dirname(path))
    return folder && join(folder, basename(path))
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink()
  } catch {
    return false
  }
}

/** The folder of the repository that holds a project; the project's own without one. */
function repositoryOf(projectDir: string): string {
  for (let dir = projectDir; dir !== dirname(dir); dir = dirname(dir)) {
    if (dir === homedir() && dir !== projectDir) break
    if (existsSync(join(dir, '.git'))) return dir
  }
  return projectDir
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
    if (existsSync(join(dir, popkitDir)) || existsSync(join(dir, '.git'))) return dir
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
