import { isDeepStrictEqual } from 'node:util'
import type { Known } from '../../../target.ts'
import { sourceName } from '../../configuration/reference.ts'
import { sourcesOf } from '../../configuration/sources.ts'
import type { DockerContext } from '../../context.ts'
import { baseName, marked } from '../../objects/names.ts'
import { parseReference } from '../../objects/reference.ts'
import type { Container } from '../../objects/schemas.ts'
import type { ContainersState } from '../observe/observe.ts'
import { isImageOf, isTagOf } from '../observe/releases.ts'
import { whyNotTogether } from '../plan/side-by-side.ts'
import { replacedLabel } from '../recreate/request.ts'
import { policyOf, type Replacement, replacedText, temporaryOf, wasRunning } from './member.ts'

/**
 * Why a replacement that a journal or lease tells of is none that would be planned, as the engine is now; null when it is one,
 * whatever of it was done already.
 */
export async function whyNotOurs(
  docker: DockerContext,
  member: Replacement,
  known: Known<ContainersState>
): Promise<string | null> {
  const { state, to, signal } = known
  const { name, image, shown } = member
  const old = state.meant.find(({ Id }) => Id === member.container)
  const replacement = state.meant.find(
    ({ Id, Name, Config }) =>
      Id !== member.container &&
      (Name === name || Name === temporaryOf(member)) &&
      Config.Labels?.[replacedLabel] === member.replaced
  )
  const there = old ?? replacement
  if (!there)
    return `neither the old container ${member.container.slice(0, 12)} nor its replacement is left among this target's`
  if (old && baseName(old.Name) !== name) return `the container that it replaces is ${old.Name}, not ${name}`
  if (old && !replacement && !(await mayBeReplaced(docker, old, member, known)))
    return `${old.Name} is not to be replaced`
  if (!(await isImageOf(docker, image, to, state.repository, signal)))
    return `${image} is not the image of ${to.version}`
  if (shown !== null && !(await isShownAs(docker, shown, known))) return `${shown} is not the tag of ${to.version}`
  // What the target calls a version may have changed since; the name in a label decides nothing.
  const [version = '', itsImage = ''] = member.replaced.split(' ')
  if (!/^[\w:.-]+$/.test(version) || member.replaced !== replacedText(version, old?.Image ?? itsImage, member))
    return `it replaces "${member.replaced}"`
  if (old && !replacement && !isRunAs(old, member)) return `${old.Name} is started and restarted in another way`
  const source = await whyNotItsConfiguration(docker, member, there, known)
  if (source) return source
  const why = member.beside ? whyNotTogether(there) : null
  return why && `${name} cannot have its replacement beside it, because ${why}`
}

/** An earlier configuration is read only where the history or the engine itself leads. */
async function whyNotItsConfiguration(
  docker: DockerContext,
  { configuration, name }: Replacement,
  there: Container,
  { state, to, signal }: Known<ContainersState>
): Promise<string | null> {
  if (!configuration) return null
  const sources = await sourcesOf(docker, there, to, state, signal)
  const isOne = sources.some((source) => isDeepStrictEqual(source, configuration))
  return isOne
    ? null
    : `${sourceName(configuration)} is not where the configuration of ${name} under ${to.version} is found`
}

/** What serves, or was put aside; or, once others of the rollback run the earlier image, what is still down with the one that failed. */
async function mayBeReplaced(
  docker: DockerContext,
  old: Container,
  { configuration }: Replacement,
  { state, from, to, signal }: Known<ContainersState>
): Promise<boolean> {
  if (!configuration && old.State.Running && (await isImageOf(docker, old.Image, to, state.repository, signal)))
    return false
  if (marked(old.Name)?.role === 'old' || state.containers.some(({ Id }) => Id === old.Id)) return true
  return from !== null && isImageOf(docker, old.Image, from, state.repository, signal)
}

/** A tag of the target's own repository: the release's, or one that is there already and so is not set. */
async function isShownAs(
  { engine }: DockerContext,
  shown: string,
  { state, observation, to, signal }: Known<ContainersState>
): Promise<boolean> {
  const { repository } = state
  const reference = parseReference(shown)
  if (!reference?.tag || reference.digest || reference.repository !== repository) return false
  return isTagOf(reference.tag, to, { observation, state }) || (await engine.images.inspect(shown, signal)) !== null
}

/** Nothing was done with it yet, so it shows itself how it is run. One that has ended since ran when the plan was made. */
const isRunAs = (old: Container, { was_running, restart_policy }: Replacement): boolean =>
  isDeepStrictEqual(policyOf(old), restart_policy) && (was_running || !wasRunning(old))
