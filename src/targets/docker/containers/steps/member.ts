import { z } from 'zod'
import type { Release } from '../../../../model/release.ts'
import { type ConfigurationReference, configurationReferenceSchema } from '../../configuration/reference.ts'
import { baseName, fallbackName, rehearsalName, temporaryName } from '../../objects/names.ts'
import { containerNamePattern } from '../../objects/reference.ts'
import type { Container } from '../../objects/schemas.ts'

/** What a step needs to know of one container; what it names is looked up when the step runs. */
export const replacementSchema = z.object({
  /** The id of the container that is replaced. */
  container: z.string().regex(/^[a-f0-9]{64}$/),
  name: z.string().regex(containerNamePattern),
  /** Exact: an image id, or `repository@digest`. */
  image: z.string().min(1),
  /** The tag under which it is to be shown, as far as that tag means the same image: `repository:1.1.0`. */
  shown: z.string().nullable(),
  /** What is replaced, for the label; of `replacedText`. */
  replaced: z.string(),
  /** Started beside the old one, without aliases until healthy. */
  beside: z.boolean(),
  was_running: z.boolean(),
  restart_policy: z.object({ Name: z.string(), MaximumRetryCount: z.number() }),
  /** Where the earlier configuration is read, where that goes back, too; never what it says. */
  configuration: configurationReferenceSchema.nullable().default(null)
})

export type Replacement = z.infer<typeof replacementSchema>

interface Candidate {
  exact: string
  shown: string | null
}

/** How a container is replaced by an image. */
export function replacementOf(
  container: Container,
  from: Release | null,
  { exact, shown }: Candidate,
  beside: boolean,
  configuration: ConfigurationReference | null = null
): Replacement {
  const before = { was_running: wasRunning(container), restart_policy: policyOf(container) }
  return {
    container: container.Id,
    name: baseName(container.Name),
    image: exact,
    shown,
    replaced: replacedText(from?.version ?? 'unknown', container.Image, before),
    beside,
    ...before,
    configuration
  }
}

/**
 * The replacement's label: what it replaced, and how that was run. A label cannot be changed, so it still says so while the old
 * container is stopped without a restart policy.
 */
export const replacedText = (
  version: string,
  image: string,
  { was_running: ran, restart_policy: policy }: Pick<Replacement, 'was_running' | 'restart_policy'>
): string => `${version} ${image} ${policy.Name}:${policy.MaximumRetryCount} ${ran ? 'running' : 'stopped'}`

export const wasRunning = ({ State: { Running, Restarting } }: Container): boolean => Running || Boolean(Restarting)

export const policyOf = ({ HostConfig: { RestartPolicy: policy } }: Container): Replacement['restart_policy'] => ({
  Name: policy?.Name || 'no',
  MaximumRetryCount: policy?.MaximumRetryCount ?? 0
})

type Member = Pick<Replacement, 'name' | 'container'>

/** The replacement's name until it takes over. */
export const temporaryOf = ({ name, container }: Member): string => temporaryName(name, container)
/** The old container's while it is kept. */
export const fallbackOf = ({ name, container }: Member): string => fallbackName(name, container)
export const rehearsalOf = ({ name, container }: Member): string => rehearsalName(name, container)

/** The end of a step's id. */
export const ids = (members: readonly Member[]): string => members.map(({ name }) => name).join(',')
export const names = (members: readonly Member[]): string => listed(members.map(({ name }) => name))

/** "a, b and c". */
export const listed = (items: readonly string[]): string =>
  items.length > 1 ? `${items.slice(0, -1).join(', ')} and ${items.at(-1)}` : (items[0] ?? '')
