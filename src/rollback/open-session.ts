import { type ChosenTarget, chooseTarget, type DiscoveredTarget } from '../project/choose-target.ts'
import { type DeployFile, readDeployFile } from '../project/deploy-file.ts'
import { historyOf } from '../project/history.ts'
import { type ProjectPaths, projectPaths } from '../project/paths.ts'
import type { Clock } from '../support/clock.ts'
import { ConfigError, InputError } from '../support/errors.ts'
import type { Logger } from '../support/log.ts'
import type { Mask } from '../support/mask.ts'
import type { TargetType } from '../targets/define-target.ts'
import { targetTypes } from '../targets/index.ts'
import { recordDeployment } from './run/record-deployment.ts'
import type { Session } from './session.ts'
import { settingsOf } from './settings.ts'

/** What the program runs in; the same for every target of a project. */
export interface ProjectContext {
  projectDir: string
  env: NodeJS.ProcessEnv
  clock: Clock
  log: Logger
  mask: Mask
}

export interface Wanted {
  target?: string
  version?: string
  /** Overrules the configuration of a target that can rehearse. */
  rehearse?: boolean
}

/** A target that was chosen and whose name and wanted version can be ones, not opened yet. */
export interface Selection {
  chosen: ChosenTarget
  definition: TargetType
  file: DeployFile | null
  paths: ProjectPaths
}

/**
 * Chooses a target of the project and holds what was asked against its grammar.
 * @throws InputError for a name or version that cannot be one; ConfigError for a broken deploy.json or an unknown type.
 */
export async function selectTarget(project: ProjectContext, wanted: Wanted): Promise<Selection> {
  if (wanted.target !== undefined) checkName(wanted.target)
  const paths = projectPaths(project.projectDir)
  const file = await readDeployFile(paths, project.env)
  const chosen = await chooseTarget({
    file,
    ...(wanted.target !== undefined && { asked: wanted.target }),
    discover: () => discoverTargets(project)
  })
  const definition = await definitionOf(chosen)
  if (wanted.version !== undefined) checkVersion(definition, wanted.version)
  return { chosen, definition, file, paths }
}

/**
 * Chooses and opens a target of the project.
 * @throws as selectTarget does; ConfigError for settings or credentials.
 */
export async function openSession(project: ProjectContext, wanted: Wanted): Promise<Session> {
  const { chosen, definition, file, paths } = await selectTarget(project, wanted)
  const history = historyOf(file, chosen.name)
  const { projectDir, env, clock, log, mask } = project
  const { name, config } = withRehearsal(chosen, definition, wanted.rehearse)
  mask.spare(name)
  const target = await definition.open({ name, projectDir, config, history, env, clock, log, mask })
  return {
    name,
    type: chosen.type,
    automatic: chosen.automatic,
    target,
    projectDir,
    history,
    settings: settingsOf(name, chosen.config),
    files: filesOf(paths, name),
    notes: [...chosen.assumed, ...(file?.notes ?? [])],
    clock,
    log,
    mask,
    record: (record) => recordDeployment(project, paths, name, record)
  }
}

const filesOf = (paths: ProjectPaths, name: string): Session['files'] => ({
  journals: paths.rollbacksDir,
  lock: paths.lockFile(name),
  incidents: paths.incidentsDir
})

/** Looks for every type of target in a project; one that cannot be looked for is passed over. */
export async function discoverTargets({ projectDir, env, log }: ProjectContext): Promise<DiscoveredTarget[]> {
  const found: DiscoveredTarget[] = []
  for (const [name, load] of Object.entries(targetTypes)) {
    const { discover } = (await load()).default
    const hit = await discover(projectDir, env).catch((error: unknown) => {
      log('debug', `Looking for ${name} failed: ${String(error)}`)
      return null
    })
    if (hit) found.push({ name, ...hit })
  }
  return found
}

async function definitionOf({ name, type }: ChosenTarget): Promise<TargetType> {
  const load = targetTypes[type]
  if (load) return (await load()).default
  throw new ConfigError({
    what: `The target "${name}" is of a type that this program has no code for`,
    why: `its type is "${type}"; known are ${Object.keys(targetTypes).join(', ')}`,
    next: `Set targets.${name}.type in deploy.json to a known type, or roll back by the platform's own means.`,
    code: 'unknown_type'
  })
}

function withRehearsal(chosen: ChosenTarget, { canRehearse }: TargetType, rehearse: boolean | undefined): ChosenTarget {
  if (rehearse === undefined) return chosen
  if (canRehearse) return { ...chosen, config: { ...chosen.config, rehearse } }
  if (!rehearse) return chosen
  throw new InputError({
    what: `${chosen.name} cannot rehearse`,
    why: `a target of the type ${chosen.type} has nothing in which a candidate could be tried out`,
    next: 'Leave rehearse away.',
    code: 'no_rehearsal'
  })
}

function checkName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) return
  throw new InputError({
    what: 'The target name cannot be one',
    why: `${printable(name)} is not made of letters, digits, ".", "_" and "-" (64 at most, a letter or digit first)`,
    next: 'Name a target of deploy.json.',
    code: 'bad_target'
  })
}

function checkVersion({ version: grammar }: TargetType, version: string): void {
  if (version.length <= 256 && grammar.pattern.test(version)) return
  throw new InputError({
    what: 'The version cannot be one of this target',
    why: `${printable(version)} is not ${grammar.says}`,
    next: 'Pass a version that assess_rollback lists.',
    code: 'bad_version'
  })
}

/** Hostile text, so that it can be shown: everything unusual escaped, 60 characters at most. */
const printable = (text: string): string => {
  const shown = JSON.stringify(text.slice(0, 60)).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`
  )
  return text.length > 60 ? `${shown} (${text.length} characters)` : shown
}
