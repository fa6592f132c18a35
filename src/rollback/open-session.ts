import type { NewRecord } from '../model/deployment-record.ts'
import { openNotifier } from '../notify/webhooks.ts'
import { appendHistory } from '../project/append-history.ts'
import { type ChosenTarget, chooseTarget, type DiscoveredTarget } from '../project/choose-target.ts'
import { type DeployFile, readDeployFile } from '../project/deploy-file.ts'
import { frozenLine, frozenOf } from '../project/frozen.ts'
import { historyOf } from '../project/history.ts'
import { type ProjectPaths, projectPaths } from '../project/paths.ts'
import { type Signal, signalsOf } from '../signals/signal-schema.ts'
import { isoNow } from '../support/clock.ts'
import { ConfigError, InputError } from '../support/errors.ts'
import type { TargetType } from '../targets/define-target.ts'
import { targetTypes } from '../targets/index.ts'
import type { Target } from '../targets/target.ts'
import { misspelledSettings } from './misspelled-settings.ts'
import type { ProjectContext, Session } from './session.ts'
import { settingsOf } from './session.ts'

interface Wanted {
  target?: string
  version?: string
  /** Overrides the configuration of a target that can rehearse. */
  rehearse?: boolean
  /** The candidate's own configuration is to go back, too. */
  withConfig?: boolean
}

/** A chosen target, its name and wanted version checked, not opened yet. */
interface Selection {
  chosen: ChosenTarget
  definition: TargetType
  file: DeployFile | null
  paths: ProjectPaths
}

/**
 * Chooses a target of the project and checks the wanted name and version.
 * @throws InputError for an invalid name or version; ConfigError for a broken deploy.json or an unknown type.
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
  const withConfig = wanted.withConfig === true
  if (withConfig && !definition.canRestoreConfig) throw noEarlierConfiguration(chosen)
  mask.spare(name)
  const signals = signalsOf(name, chosen.signals ?? [])
  const notifier = openNotifier(file?.notify ?? [], { env, mask, log })
  const opened = await definition.open({ name, projectDir, config, history, env, clock, log, mask, withConfig })
  const watched = signals.length > 0 ? await watchedBy(signals, opened, history, project) : { target: opened }
  return {
    withConfig,
    notifier,
    name,
    type: chosen.type,
    ...watched,
    projectDir,
    history,
    settings: settingsOf(name, chosen.config),
    files: { journals: paths.rollbacksDir, lock: paths.lockFile(name) },
    notes: [
      ...chosen.assumed,
      ...frozenOf(file?.frozen ?? [], name, clock.now()).map(frozenLine),
      ...notifier.notes,
      ...(file?.notes ?? []),
      ...(file ? misspelledSettings(file, name, definition) : [])
    ],
    clock,
    log,
    mask,
    record: (record) => recordDeployment(project, paths, name, record)
  }
}

/** The client that reads signals is loaded only where there are some. */
async function watchedBy(
  signals: readonly Signal[],
  target: Target,
  history: Session['history'],
  { env, clock, mask }: ProjectContext
): Promise<Pick<Session, 'target' | 'signals'>> {
  const { withSignals } = await import('./signals/with-signals.ts')
  return withSignals(target, signals, history, { env, clock, mask })
}

/** Opens a target, does the work, and closes the target's connections in any case. */
export async function withSession<T>(
  project: ProjectContext,
  wanted: Wanted,
  work: (session: Session) => Promise<T>
): Promise<T> {
  const session = await openSession(project, wanted)
  try {
    return await work(session)
  } finally {
    await session.target.close?.()
  }
}

/** Adds a record to deploy.json's history, masked and with the present time. @throws ConfigError when it cannot be written. */
export async function recordDeployment(
  { clock, env, mask }: ProjectContext,
  paths: ProjectPaths,
  target: string,
  { error, ...rest }: NewRecord
): Promise<void> {
  const masked = error === undefined ? {} : { error: mask.text(error) }
  await appendHistory(paths, { at: isoNow(clock), target, ...rest, ...masked }, { env })
}

/** Looks for every type of target in a project; skips one whose search fails. */
export async function discoverTargets({ projectDir, env, log }: ProjectContext): Promise<DiscoveredTarget[]> {
  const found: DiscoveredTarget[] = []
  for (const [type, load] of Object.entries(targetTypes)) {
    const { discover } = (await load()).default
    const hit = await discover(projectDir, env).catch((error: unknown) => {
      log('debug', `Looking for ${type} failed: ${String(error)}`)
      return null
    })
    for (const one of [hit ?? []].flat()) found.push({ name: type, type, ...one })
  }
  return found
}

async function definitionOf({ name, type }: ChosenTarget): Promise<TargetType> {
  const load = targetTypes[type]
  if (load) return (await load()).default
  throw new ConfigError({
    what: `Unknown type of the target "${name}"`,
    why: `its type is "${type}"; known types are ${Object.keys(targetTypes).join(', ')}`,
    next: `Set targets.${name}.type in deploy.json to a known type, or roll back with the platform's own tools.`,
    code: 'unknown_type'
  })
}

function withRehearsal(chosen: ChosenTarget, { canRehearse }: TargetType, rehearse: boolean | undefined): ChosenTarget {
  if (rehearse === undefined) return chosen
  if (canRehearse) return { ...chosen, config: { ...chosen.config, rehearse } }
  if (!rehearse) return chosen
  throw new InputError({
    what: `${chosen.name} cannot rehearse`,
    why: `targets of the type ${chosen.type} cannot start a candidate in isolation`,
    next: 'Omit rehearse.',
    code: 'no_rehearsal'
  })
}

const noEarlierConfiguration = ({ name, type }: ChosenTarget): InputError =>
  new InputError({
    what: `${name} cannot restore an earlier configuration`,
    why: `targets of the type ${type} have none apart from the version that they go back to`,
    next: 'Omit with_config.',
    code: 'no_with_config'
  })

function checkName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) return
  throw new InputError({
    what: 'Invalid target name',
    why: `${printable(name)} is not a name: letters, digits, ".", "_" and "-", a letter or digit first, at most 64`,
    next: 'Name a target of deploy.json.',
    code: 'bad_target'
  })
}

function checkVersion({ version: grammar }: TargetType, version: string): void {
  if (version.length <= 256 && grammar.pattern.test(version)) return
  throw new InputError({
    what: 'Invalid version',
    why: `${printable(version)} is not ${grammar.says}`,
    next: 'Pass a version that the assessment lists.',
    code: 'bad_version'
  })
}

/** Hostile text made safe to show: everything unusual escaped, at most 60 characters. */
const printable = (text: string): string => {
  const shown = JSON.stringify(text.slice(0, 60)).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`
  )
  return text.length > 60 ? `${shown} (${text.length} characters)` : shown
}
