import type { JsonObject } from '../model/json.ts'
import { InputError } from '../support/errors.ts'
import { oneLine } from '../support/text.ts'
import type { DeployFile, ProjectTarget } from './deploy-file.ts'

/** A target that a look into the project found. */
export interface DiscoveredTarget {
  name: string
  /** Where it is not its name. */
  type?: string
  config: JsonObject
  /** "compose.yaml names the image web:1.2.0". */
  because: string
}

export interface ChosenTarget extends ProjectTarget {
  /** Lines for people: what was taken for granted in choosing. */
  assumed: string[]
}

export interface Choice {
  file: DeployFile | null
  /** The name that was asked for. */
  asked?: string
  /** Looks into the project; called only when deploy.json does not settle it. */
  discover: () => Promise<DiscoveredTarget[]>
}

/**
 * Chooses the target: the one asked for, else the primary one, else the first enabled one; without any in deploy.json, what is
 * found in the project.
 * @throws InputError naming the known targets when the one asked for is not among them, or none can be meant.
 */
export async function chooseTarget({ file, asked, discover }: Choice): Promise<ChosenTarget> {
  const listed = [...(file?.targets.values() ?? [])]
  if (asked === undefined && listed.length > 0) return defaultOf(listed)
  const named = listed.find(({ name }) => name === asked)
  if (named) return { ...named, assumed: named.enabled ? [] : [`${named.name} is not enabled in deploy.json.`] }
  const found = await discover()
  const chosen = asked === undefined ? found[0] : found.find(({ name }) => name === asked)
  if (!chosen) throw asked === undefined ? nothingToChoose(file) : unknownTarget(asked, listed, found)
  return {
    name: chosen.name,
    type: chosen.type ?? chosen.name,
    enabled: true,
    primary: false,
    config: chosen.config,
    assumed: assumptions(file, chosen, asked === undefined ? found : [chosen])
  }
}

function defaultOf(listed: ProjectTarget[]): ChosenTarget {
  const primary = listed.filter((target) => target.primary)
  const enabled = listed.filter((target) => target.enabled)
  const chosen = primary[0] ?? enabled[0]
  if (!chosen) throw noneEnabled(listed)
  const assumed: string[] = []
  if (primary.length > 1) assumed.push(`deploy.json names several primary targets; ${chosen.name} is the first.`)
  if (primary.length === 0 && enabled.length > 1)
    assumed.push(`No target is primary in deploy.json; ${chosen.name} is the first enabled one of ${names(enabled)}.`)
  if (!chosen.enabled) assumed.push(`${chosen.name} is primary but not enabled in deploy.json.`)
  return { ...chosen, assumed }
}

function assumptions(file: DeployFile | null, chosen: DiscoveredTarget, found: DiscoveredTarget[]): string[] {
  const lacking = file ? `${file.path} does not list it` : 'there is no deploy.json'
  const assumed = [`The target ${chosen.name} was found in the project (${chosen.because}); ${lacking}.`]
  const others = found.filter((other) => other !== chosen)
  if (others.length > 0)
    assumed.push(`Also found, and not chosen: ${others.map(({ name, because }) => `${name} (${because})`).join(', ')}.`)
  return assumed
}

const names = (targets: readonly { name: string }[]): string =>
  targets.map(({ name }) => oneLine(name, 60)).join(', ') || 'none'

const unknownTarget = (asked: string, listed: ProjectTarget[], found: DiscoveredTarget[]): InputError =>
  new InputError({
    what: `There is no target "${oneLine(asked, 60)}"`,
    why: `deploy.json lists ${names(listed)}; found in the project: ${names(found)}`,
    next: 'Name one of these, or add the target to .claude/popkit/deploy.json.',
    code: 'unknown_target'
  })

const noneEnabled = (listed: ProjectTarget[]): InputError =>
  new InputError({
    what: 'No target was named',
    why: `deploy.json has no primary and no enabled target; it lists ${names(listed)}`,
    next: 'Name the target to look at.',
    code: 'no_target'
  })

const nothingToChoose = (file: DeployFile | null): InputError =>
  new InputError({
    what: 'There is no target to look at',
    why: `${file ? 'deploy.json lists none' : 'the project has no .claude/popkit/deploy.json'}, and nothing that is deployed was found in it`,
    next: 'Write a target into .claude/popkit/deploy.json, or run this in the project that was deployed.',
    code: 'no_target'
  })
