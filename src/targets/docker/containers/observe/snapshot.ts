import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { JsonObject } from '../../../../model/json.ts'
import { baseName } from '../../objects/names.ts'
import type { Container, ImageDefaults } from '../../objects/schemas.ts'
import { userConfigOf, variableName } from '../recreate/configuration.ts'
import { endpointsFor } from '../recreate/networks.ts'

const partSchema = z.object({
  salt: z.string(),
  variables: z.record(z.string(), z.string()),
  mounts: z.record(z.string(), z.string()),
  settings: z.record(z.string(), z.string())
})
const snapshotSchema = z.object({ containers: z.record(z.string(), partSchema) })

type Part = z.infer<typeof partSchema>

/** What the user set on each container: names, and salted hashes of the values, never the values. */
export const snapshotOf = (
  containers: readonly Container[],
  defaults: ReadonlyMap<string, ImageDefaults>
): JsonObject => ({
  containers: Object.fromEntries(
    containers.map((container) => [
      baseName(container.Name),
      partOf(container, defaults.get(container.Image), container.Id)
    ])
  )
})

/** Where the containers differ from a recorded snapshot, one line each: "web: variable DATABASE_URL changed". */
export function changesSince(
  recorded: unknown,
  containers: readonly Container[],
  defaults: ReadonlyMap<string, ImageDefaults>
): string[] | null {
  const parsed = snapshotSchema.safeParse(recorded)
  if (!parsed.success) return null
  return containers.flatMap((container) => {
    const name = baseName(container.Name)
    const before = parsed.data.containers[name]
    if (!before) return [`${name} is not in the recorded configuration`]
    const now = partOf(container, defaults.get(container.Image), before.salt)
    return [
      ...changed('variable', before.variables, now.variables),
      ...changed('mount', before.mounts, now.mounts),
      ...changed('setting', before.settings, now.settings)
    ].map((line) => `${name}: ${line}`)
  })
}

/**
 * Enough to see that a value changed, too little to prove that a guess is the value: deploy.json may be read by many, and so many
 * guesses give the same sixteen bits.
 */
const digits = 4

function partOf(container: Container, defaults: ImageDefaults | undefined, salt: string): Part {
  const hash = (value: unknown): string =>
    createHash('sha256')
      .update(`${salt}\n${JSON.stringify(value)}`)
      .digest('hex')
      .slice(0, digits)
  const user = userConfigOf(container, defaults)
  const { Env: _env, Labels: _labels, Hostname: _hostname, Image: _image, ...settings } = user
  const { RestartPolicy, Memory, NanoCpus, PortBindings } = container.HostConfig
  return {
    salt,
    variables: Object.fromEntries((user.Env ?? []).map((entry) => [variableName(entry), hash(entry)])),
    mounts: Object.fromEntries(
      (container.Mounts ?? []).map((mount) => [
        mount.Destination,
        hash([mount.Type, mount.Name ?? mount.Source, mount.RW])
      ])
    ),
    settings: Object.fromEntries(
      Object.entries({ ...settings, RestartPolicy, Memory, NanoCpus, PortBindings, Networks: endpointsFor(container) })
        .filter(([, value]) => value !== undefined && value !== null)
        .map(([key, value]) => [key, hash(value)])
    )
  }
}

function changed(kind: string, before: Record<string, string>, now: Record<string, string>): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort()
  return names.flatMap((name) => {
    if (!(name in before)) return [`${kind} ${name} is new`]
    if (!(name in now)) return [`${kind} ${name} is gone`]
    return before[name]?.slice(0, digits) === now[name] ? [] : [`${kind} ${name} changed`]
  })
}
