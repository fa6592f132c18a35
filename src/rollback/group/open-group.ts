import type { DeploymentRecord } from '../../model/deployment-record.ts'
import { type DeployFile, type ReleaseGroupSettings, readDeployFile } from '../../project/deploy-file.ts'
import { historyOf } from '../../project/history.ts'
import { type ProjectPaths, projectPaths } from '../../project/paths.ts'
import { InputError, messageOf } from '../../support/errors.ts'
import { quoteLine } from '../../support/quote.ts'
import type { TargetType } from '../../targets/define-target.ts'
import { discoverTargets, openSession, selectTarget } from '../open-session.ts'
import type { ProjectContext, Session } from '../session.ts'

/** One target of a group: opened, or the reason why it could not be. */
export interface GroupTarget {
  name: string
  holds: TargetType['holds']
  history: readonly DeploymentRecord[]
  session: Session | null
  unopened: string | null
}

/** Several targets of a project, opened together. */
export interface OpenGroup {
  /** As the next call names them: "docker,npm". */
  names: string
  /** They were named one by one, and are not simply all. */
  listed: boolean
  targets: GroupTarget[]
  settings: ReleaseGroupSettings
  paths: ProjectPaths
  project: ProjectContext
}

interface Wanted {
  names: readonly string[]
  listed: boolean
  /** The versions that were named for targets. */
  versions?: ReadonlyMap<string, string> | undefined
  rehearse?: boolean | undefined
}

const mostTargets = 20

/**
 * The targets that a call names: `all` those that are enabled in deploy.json, or are found in the project; or a list with commas. One
 * name, or none, is no group. A target that is itself called `all` is meant by its name.
 * @throws InputError for an empty or too long list; ConfigError for a broken deploy.json.
 */
export async function groupNames(
  project: ProjectContext,
  asked: string | undefined
): Promise<{ names: string[]; listed: boolean }> {
  if (asked === undefined || (asked !== 'all' && !asked.includes(','))) return { names: [], listed: true }
  const listed = asked !== 'all'
  const names = listed ? namesIn(asked) : await allNames(project)
  if (names.length > mostTargets) throw tooMany(names.length)
  return { names, listed }
}

const namesIn = (list: string): string[] => [
  ...new Set(
    list
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
  )
]

async function allNames(project: ProjectContext): Promise<string[]> {
  const file = await readDeployFile(projectPaths(project.projectDir), project.env)
  if (file?.targets.has('all')) return ['all']
  const enabled = [...(file?.targets.values() ?? [])].filter((one) => one.enabled)
  return (enabled.length > 0 ? enabled : await discoverTargets(project)).map(({ name }) => name)
}

const tooMany = (count: number): InputError =>
  new InputError({
    what: 'Too many targets at once',
    why: `${count} targets were asked for, and a group has at most ${mostTargets}`,
    next: 'Name those that were deployed with the failed release.',
    code: 'too_many_targets'
  })

/** Opens the targets, does the work, and closes every connection in any case. @throws as `selectTarget` does for a wrong name or version. */
export async function withGroup<T>(
  project: ProjectContext,
  wanted: Wanted,
  work: (group: OpenGroup) => Promise<T>
): Promise<T> {
  const paths = projectPaths(project.projectDir)
  const file = await readDeployFile(paths, project.env)
  const targets = await Promise.all(wanted.names.map((name) => opened(project, file, name, wanted)))
  try {
    const { names, listed } = wanted
    const settings = file?.group ?? { order: [], onFailure: 'stop' }
    return await work({ names: names.join(','), listed, targets, settings, paths, project })
  } finally {
    await Promise.allSettled(targets.map(({ session }) => session?.target.close?.()))
  }
}

async function opened(
  project: ProjectContext,
  file: DeployFile | null,
  name: string,
  { versions, rehearse }: Wanted
): Promise<GroupTarget> {
  const version = versions?.get(name)
  const { definition } = await selectTarget(project, { target: name, version })
  const known = { name, holds: definition.holds, history: historyOf(file, name) }
  try {
    const session = await openSession(project, {
      target: name,
      ...(rehearse !== undefined && definition.canRehearse && { rehearse })
    })
    return { ...known, session, unopened: null }
  } catch (error) {
    return { ...known, session: null, unopened: quoteLine(project.mask, messageOf(error), 300) }
  }
}
