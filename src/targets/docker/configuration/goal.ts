import { isDeepStrictEqual } from 'node:util'
import { mergedConfig, type UserConfig, userConfigOf, variableName } from '../containers/recreate/configuration.ts'
import type { Container, Healthcheck, ImageDefaults } from '../objects/schemas.ts'

/**
 * The part of a container's configuration that goes back: how its program is called. Rights, mounts, ports and networks stay as they
 * are. A field that is left out is not known, and stays as it is, too; null is the image's own.
 */
export interface Goal {
  /** By name; null where the value is not known. A variable that is not among them is removed. */
  variables: ReadonlyMap<string, string | null>
  Cmd?: string[] | null
  Entrypoint?: string[] | null
  User?: string | null
  WorkingDir?: string | null
  StopSignal?: string | null
  Healthcheck?: Healthcheck | null
  Labels?: Record<string, string>
}

const single = ['Cmd', 'Entrypoint', 'User', 'WorkingDir', 'StopSignal', 'Healthcheck'] as const

/** The configuration with what goes back; labels of Compose and of this program stay. */
export function towards(user: UserConfig, goal: Goal | null): UserConfig {
  if (!goal) return user
  const result: UserConfig = { ...user, Env: variablesOf(user, goal) }
  for (const key of single) {
    const value = goal[key]
    if (value === null) delete result[key]
    else if (value !== undefined) Object.assign(result, { [key]: value })
  }
  const kept = Object.entries(user.Labels ?? {}).filter(([name]) => isOwn(name))
  if (goal.Labels) result.Labels = { ...ordinary(goal.Labels), ...Object.fromEntries(kept) }
  return result
}

const isOwn = (label: string): boolean => label.startsWith('com.docker.compose.') || label.startsWith('popkit.')

const ordinary = (labels: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !isOwn(name)))

function variablesOf(user: UserConfig, { variables }: Goal): string[] {
  const now = new Map((user.Env ?? []).map((entry) => [variableName(entry), entry]))
  return [...variables].flatMap(([name, value]) => (value === null ? (now.get(name) ?? []) : [`${name}=${value}`]))
}

/** A container as it would be with what goes back. */
export const asGoal = (container: Container, defaults: ImageDefaults | undefined, goal: Goal | null): Container =>
  goal
    ? {
        ...container,
        Config: { ...container.Config, ...mergedConfig(towards(userConfigOf(container, defaults), goal), defaults) }
      }
    : container

/** What goes back, one line each, names only: "variable DATABASE_URL", "command". */
export function whatGoesBack(user: UserConfig, goal: Goal, image: ImageDefaults | null | undefined): string[] {
  const [before, after] = [mergedConfig(user, image), mergedConfig(towards(user, goal), image)]
  const labels = (config: UserConfig): string[] => Object.entries(config.Labels ?? {}).map((entry) => entry.join('='))
  return [
    ...namesThatDiffer(before.Env ?? [], after.Env ?? []).map((name) => `variable ${name}`),
    ...single.flatMap((key) => (isDeepStrictEqual(before[key] ?? null, after[key] ?? null) ? [] : [words[key]])),
    ...namesThatDiffer(labels(before), labels(after)).map((name) => `label ${name}`)
  ]
}

const words: Record<(typeof single)[number], string> = {
  Cmd: 'command',
  Entrypoint: 'entrypoint',
  User: 'user',
  WorkingDir: 'working directory',
  StopSignal: 'stop signal',
  Healthcheck: 'health check'
}

/** Lines of `whatGoesBack` that change which program runs, or as whom. */
export const isOtherProgram = (line: string): boolean =>
  [words.Cmd, words.Entrypoint, words.User, words.Healthcheck].includes(line)

const namesThatDiffer = (before: readonly string[], after: readonly string[]): string[] =>
  [
    ...new Set(
      [...before.filter((entry) => !after.includes(entry)), ...after.filter((entry) => !before.includes(entry))].map(
        variableName
      )
    )
  ].sort()

/** What goes back to a container's own configuration. */
export function goalOfContainer(earlier: Container, defaults: ImageDefaults | null | undefined): Goal {
  const { Env, Cmd, Entrypoint, User, WorkingDir, StopSignal, Healthcheck, Labels } = userConfigOf(earlier, defaults)
  const assigned = (Env ?? []).filter((entry) => entry.includes('='))
  return {
    variables: new Map(assigned.map((entry) => [variableName(entry), entry.slice(entry.indexOf('=') + 1)])),
    Cmd: Cmd ?? null,
    Entrypoint: Entrypoint ?? null,
    User: User ?? null,
    WorkingDir: WorkingDir ?? null,
    StopSignal: StopSignal ?? null,
    Healthcheck: Healthcheck ?? null,
    Labels: Labels ?? {}
  }
}
