import type { Blocker, Risk } from '../../../model/observation.ts'
import type { Release } from '../../../model/release.ts'
import type { ContainersState } from '../containers/observe/observe.ts'
import { userConfigOf } from '../containers/recreate/configuration.ts'
import type { DockerContext } from '../context.ts'
import { baseName } from '../objects/names.ts'
import type { Container, Image, ImageDefaults } from '../objects/schemas.ts'
import { NotExact } from './committed-files.ts'
import { type Goal, isOtherProgram, whatGoesBack } from './goal.ts'
import { type EarlierConfiguration, readConfiguration } from './read.ts'
import { type ConfigurationReference, sourceName } from './reference.ts'
import { differsFromFiles, repositoryTop, sourcesOf } from './sources.ts'

/** The earlier configuration of one container, and what of it goes back. */
export interface Restored {
  reference: ConfigurationReference
  goal: Goal
  /** One line each, names only. */
  back: string[]
}

/** What goes back besides the image. */
export interface ConfigurationPlan {
  restored: ReadonlyMap<string, Restored>
  risks: Risk[]
  blockers: Blocker[]
  notes: string[]
}

const nothing: ConfigurationPlan = { restored: new Map(), risks: [], blockers: [], notes: [] }

interface Subject {
  state: ContainersState
  release: Release
  /** The image of the release, where it is on the engine. */
  image: Image | null
  defaults: ReadonlyMap<string, ImageDefaults>
}

/** Plans the earlier configuration where a person asked for it; else says in a note that there is one. */
export async function planConfiguration(
  docker: DockerContext,
  subject: Subject,
  signal: AbortSignal
): Promise<ConfigurationPlan> {
  if (subject.state.containers.length === 0) return nothing
  if (!docker.withConfig) return { ...nothing, notes: await offer(docker, subject, signal) }
  const { release } = subject
  const found: Finding[] = []
  for (const container of subject.state.containers) found.push(await findingOf(docker, container, subject, signal))
  const restored = new Map(found.flatMap(({ container, restored: one }) => (one ? [[container.Id, one] as const] : [])))
  const isSame = release.earlierConfiguration !== undefined && found.every((one) => one.same)
  return {
    restored,
    risks: found.flatMap((one) => risksOf(one, release)),
    blockers: [...found.flatMap((one) => one.blockers), ...(isSame ? [alreadySo(release, found)] : [])],
    notes: found.flatMap(notesOf)
  }
}

interface Finding {
  container: Container
  restored: Restored | null
  configuration: EarlierConfiguration | null
  blockers: Blocker[]
  /** The configuration is known exactly, and no other than the present one. */
  same: boolean
}

/** The first source under which something differs: a version may have been deployed with several configurations. */
async function findingOf(
  docker: DockerContext,
  container: Container,
  subject: Subject,
  signal: AbortSignal
): Promise<Finding> {
  const { state, release, image, defaults } = subject
  const references = await sourcesOf(docker, container, release, state, signal)
  const user = userConfigOf(container, defaults.get(container.Image))
  const why: string[] = []
  let same: Finding | null = null
  for (const reference of references) {
    const configuration = await readConfiguration(docker, reference, container, signal).catch((error: unknown) => {
      if (!(error instanceof NotExact)) throw error
      why.push(`${sourceName(reference)}: ${error.message}`)
      return null
    })
    if (!configuration) continue
    const back = whatGoesBack(user, configuration.goal, image?.Config ?? defaults.get(container.Image))
    const restored = { reference, goal: configuration.goal, back }
    const finding = { container, restored, configuration, blockers: [], same: back.length === 0 }
    if (back.length > 0 || !release.earlierConfiguration) return finding
    same ??= finding
  }
  return (
    same ?? {
      container,
      restored: null,
      configuration: null,
      blockers: [notKnown(container, release, why)],
      same: false
    }
  )
}

function risksOf({ container, restored, configuration }: Finding, { version }: Release): Risk[] {
  if (!restored || !configuration) return []
  const name = baseName(container.Name)
  const source = sourceName(restored.reference)
  const { differences } = configuration
  const other = restored.back.filter(isOtherProgram)
  return [
    ...(other.length > 0
      ? [
          {
            id: `configuration_runs:${name}`,
            serious: true,
            title: `${name} goes back to another ${other.join(', ')}`,
            detail: `${source} says so, and the image of ${version} is started with it. Read it before you accept.`
          }
        ]
      : []),
    ...(differences.length > 0
      ? [
          {
            id: `configuration_not_restored:${name}`,
            serious: true,
            title: `${name} keeps mounts, rights and other settings that differ from those of ${version}`,
            detail: `${source} has: ${listed(differences)}. The rollback does not restore these.`
          }
        ]
      : [])
  ]
}

function notesOf({ container, restored, configuration, same }: Finding): string[] {
  if (!restored || !configuration) return []
  const name = baseName(container.Name)
  const source = sourceName(restored.reference)
  return [
    same
      ? `The environment and command of ${name} are already those of ${source}.`
      : `${name} gets back from ${source}: ${listed(restored.back)}.`,
    ...(configuration.kept.length > 0
      ? [`${source} does not say the value of ${listed(configuration.kept)} of ${name}; what runs now is kept.`]
      : [])
  ]
}

const listed = (lines: readonly string[]): string =>
  `${lines.slice(0, 16).join(', ')}${lines.length > 16 ? ` and ${lines.length - 16} more` : ''}`

const notKnown = (container: Container, { version }: Release, why: readonly string[]): Blocker => ({
  id: `no_configuration:${baseName(container.Name)}`,
  what: `The configuration of ${baseName(container.Name)} under ${version} is not known exactly`,
  why:
    why.join('; ') ||
    'no commit in this repository is recorded with a success of it for a Compose service, and no stopped container of it is left',
  next: 'Roll back without the earlier configuration, or restore it manually.'
})

const alreadySo = ({ version }: Release, found: readonly Finding[]): Blocker => ({
  id: 'same_configuration',
  what: `${version} runs with that configuration already`,
  why: `its environment and command are those of ${found.flatMap(({ restored }) => (restored ? [sourceName(restored.reference)] : []))[0] ?? 'the recorded deployment'}`,
  next: 'Roll back to another version.'
})

/** An assessment must not take long for a note. */
const mostLookedAt = 2

/** Says that there is an earlier configuration, as far as that is seen without rendering any. */
async function offer(docker: DockerContext, { state, release }: Subject, signal: AbortSignal): Promise<string[]> {
  const top = await repositoryTop(docker, signal)
  for (const container of state.containers.slice(0, mostLookedAt)) {
    const [reference] = await sourcesOf(docker, container, release, state, signal)
    if (!reference) continue
    const differs = 'earlier' in reference || (top !== null && (await differsFromFiles(top, reference, signal)))
    if (differs)
      return [
        `The configuration of ${release.version} is known from ${sourceName(reference)}. Assess --with-config (with_config) shows what would go back with the image.`
      ]
  }
  return []
}
