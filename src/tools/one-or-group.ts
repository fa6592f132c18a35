import { projectPaths } from '../project/paths.ts'
import { unfinishedGroup } from '../rollback/group/interrupted-group.ts'
import { groupNames, type OpenGroup, withGroup } from '../rollback/group/open-group.ts'
import { groupVersion } from '../rollback/group/versions.ts'
import type { ProjectContext } from '../rollback/session.ts'
import { InputError } from '../support/errors.ts'

interface Asked {
  target?: string | undefined
  version?: string | undefined
  rehearse?: boolean | undefined
  withConfig?: boolean | undefined
}

/**
 * Does the work for one target, or for the several that `target` names, opened. The targets of an unfinished group belong together, also
 * where only some of them are named.
 * @throws as `withGroup` does; InputError for several targets with their configuration.
 */
export async function oneOrGroup<Result>(
  project: ProjectContext,
  { target, version, rehearse, withConfig }: Asked,
  work: { one(name: string | undefined): Promise<Result>; several(group: OpenGroup): Promise<Result> }
): Promise<Result> {
  const { names, listed } = await groupNames(project, target)
  if (names.length <= 1) return work.one(names[0] ?? target)
  if (withConfig) throw configAlone(names)
  const all = [...new Set([...names, ...(await unfinishedNames(project, names))])]
  const wanted = groupVersion(version, all)
  const versions = wanted && 'each' in wanted ? wanted.each : undefined
  return withGroup(project, { names: all, listed, versions, rehearse }, work.several)
}

const configAlone = (names: readonly string[]): InputError =>
  new InputError({
    what: 'The configuration of several targets is not restored at once',
    why: `${names.join(', ')} were asked for together`,
    next: 'Name one target, and take its configuration back alone.',
    code: 'config_alone'
  })

async function unfinishedNames(project: ProjectContext, names: readonly string[]): Promise<string[]> {
  const record = await unfinishedGroup({ project, paths: projectPaths(project.projectDir) })
  const members = record?.begun.members.map(({ target }) => target) ?? []
  return members.some((name) => names.includes(name)) ? members : []
}
