import { realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, posix, relative, resolve } from 'node:path'
import type { DeploymentRecord } from '../../../model/deployment-record.ts'
import type { Release } from '../../../model/release.ts'
import { commitExists, git } from '../../../project/git.ts'
import { readText } from '../../../support/read-text.ts'
import { composeFileSet, overrideFiles } from '../compose/files.ts'
import { ownedBy } from '../compose/labels.ts'
import { instant } from '../containers/observe/current-health.ts'
import { identitiesKnown } from '../containers/observe/releases.ts'
import type { Workload } from '../containers/observe/workload.ts'
import type { DockerContext } from '../context.ts'
import { baseName } from '../objects/names.ts'
import type { Container } from '../objects/schemas.ts'
import { fileAt } from './committed-files.ts'
import type { CommitReference, ConfigurationReference } from './reference.ts'

/** How many recorded commits of a version are looked at. */
const mostCommits = 3

/** The top of the project's repository, links resolved; null outside of one. */
export async function repositoryTop({ projectDir }: DockerContext, signal: AbortSignal): Promise<string | null> {
  const found = (await git(projectDir, ['rev-parse', '--show-toplevel'], signal))?.trim()
  return found ? realpath(found).catch(() => null) : null
}

type Known = Pick<Workload, 'containers' | 'retired'>

/** Where a container's configuration under a release may be found, the surest first. */
export async function sourcesOf(
  docker: DockerContext,
  container: Container,
  release: Release,
  known: Known,
  signal: AbortSignal
): Promise<ConfigurationReference[]> {
  const earlier = earlierContainer(container, release, known)
  if (earlier) return [{ earlier: earlier.Id }]
  const owned = ownedBy(container.Config.Labels)
  const named = commitsNamed(docker, release)
  const top = owned && named.length > 0 && (await repositoryTop(docker, signal))
  if (!owned || !top) return []
  const paths = await pathsOf(docker, owned, top)
  if (!paths) return []
  const { project, service } = owned
  const commits = await commitsIn(docker, named, signal)
  const references = await Promise.all(
    commits.map(async (commit): Promise<CommitReference> => {
      const files = await filesAt(top, commit, paths.files, signal)
      return { commit, ...paths, files, project, service }
    })
  )
  return references
}

/** The container that ran this release before, kept stopped; of several containers, the one whose name continues the present one's. */
function earlierContainer(container: Container, release: Release, { containers, retired }: Known): Container | null {
  const identities = new Set(identitiesKnown(release))
  const name = baseName(container.Name)
  const mine = retired.filter(
    (other) =>
      identities.has(other.Image) &&
      instant(other.State.StartedAt) !== undefined &&
      (containers.length === 1 ||
        (baseName(other.Name).startsWith(name) && /^[-_.]/.test(baseName(other.Name).slice(name.length))))
  )
  const ended = (one: Container): number => Date.parse(one.State.FinishedAt ?? '') || 0
  return [...mine].sort((a, b) => ended(b) - ended(a))[0] ?? null
}

/** The commits that are recorded with a release's successes, newest first. */
function commitsNamed({ history }: DockerContext, release: Release): string[] {
  const until = release.earlierConfiguration?.until
  const recorded = history.filter((record) => isSuccessOf(record, release) && (!until || record.at <= until))
  const named = [...recorded.flatMap(({ commit }) => commit ?? []), ...(release.commit ? [release.commit] : [])]
  return [...new Set(named)].slice(0, mostCommits)
}

/** Those that the repository has. */
async function commitsIn(
  { projectDir }: DockerContext,
  named: readonly string[],
  signal: AbortSignal
): Promise<string[]> {
  const found = await Promise.all(named.map((commit) => commitExists(projectDir, commit, signal)))
  return [...new Set(found.filter((commit) => commit !== null))]
}

const isSuccessOf = ({ status, version, digest, commit }: DeploymentRecord, release: Release): boolean =>
  status === 'success' && version === release.version && commit !== undefined && (!digest || digest === release.id)

/** The Compose files, as the container names them or as they are in the project; null where one is outside the repository. */
async function pathsOf(
  docker: DockerContext,
  owned: { files: string[]; envFiles: string[]; workingDir: string | null },
  top: string
): Promise<Pick<CommitReference, 'files' | 'env_files' | 'working_dir'> | null> {
  const files = owned.files.length > 0 ? owned.files : await composeFileSet(docker)
  const first = files[0]
  if (!first) return null
  const folder = owned.workingDir ?? dirname(first)
  const inside = async (path: string): Promise<string | null> => {
    const whole = isAbsolute(path) ? path : resolve(folder, path)
    // The file itself may be gone by now.
    const real = await realpath(dirname(whole)).catch(() => dirname(whole))
    const below = relative(top, join(real, whole.slice(dirname(whole).length)))
    return below === '..' || below.startsWith('../') || isAbsolute(below) ? null : below
  }
  const [named, environment, working] = await Promise.all([
    Promise.all(files.map(inside)),
    Promise.all(owned.envFiles.map(inside)),
    inside(join(folder, '.'))
  ])
  const all = (paths: (string | null)[]): paths is string[] => paths.every((path) => path !== null)
  // An environment file outside the repository is not committed: its variables are not known.
  return all(named) && working !== null
    ? { files: named, env_files: environment.filter((path) => path !== null), working_dir: working }
    : null
}

/** Without a file that was added after the commit, and with the override file that Compose found then beside the first. */
async function filesAt(top: string, commit: string, files: readonly string[], signal: AbortSignal): Promise<string[]> {
  const isThere = async (path: string, at: string): Promise<boolean> =>
    (await fileAt(top, at, path, signal).catch(() => '')) !== null
  const [first = '', ...more] = files
  const kept: string[] = []
  for (const path of more) if ((await isThere(path, commit)) || !(await isThere(path, 'HEAD'))) kept.push(path)
  if (more.length > 0) return [first, ...kept]
  for (const name of overrideFiles) {
    const path = posix.join(posix.dirname(first), name)
    if (await isThere(path, commit)) return [first, path]
  }
  return [first]
}

/** Whether the Compose files of a commit differ from those of now. */
export async function differsFromFiles(
  top: string,
  { commit, files, env_files, working_dir }: CommitReference,
  signal: AbortSignal
): Promise<boolean> {
  const environment = env_files.length > 0 ? env_files : [posix.join(working_dir, '.env')]
  for (const path of [...files, ...environment]) {
    const then = await fileAt(top, commit, path, signal).catch(() => null)
    const now = await readText(join(top, path)).catch(() => null)
    if (then !== null && now !== null && then.trimEnd() !== now.trimEnd()) return true
  }
  return false
}
