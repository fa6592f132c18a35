import type { Step } from '../../../../model/step.ts'
import { keepLogs } from '../../objects/logs.ts'
import type { Container } from '../../objects/schemas.ts'
import { remove } from './actions.ts'
import { imageOf, isKeptAsImage, keepData } from './keep-data.ts'
import { fallbackOf, ids, names, type Replacement } from './member.ts'
import { findNew, findOld, forEachReplacement, type RollStep } from './replacement.ts'
import { isUp } from './swap.ts'

/**
 * Removes the old container, never its volumes, once its replacement serves in its place; its log stays among the evidence. What it has
 * in its own layer is kept, whatever the plan expected of it.
 */
const cleanup = (
  kind: string,
  describe: (members: readonly Replacement[]) => Pick<Step, 'id' | 'title' | 'manualCommands'>
): RollStep =>
  forEachReplacement({
    kind,
    phase: 'cleanup',
    describe: (members) => ({ ...describe(members), undo: null }),
    async apply(docker, params, run) {
      const old = await findOld(docker, params, run.signal)
      if (!old) return { detail: 'already removed' }
      const replacement = await findNew(docker, params, run.signal)
      if (!replacement) return { detail: `kept ${old.Name}: it has no replacement` }
      if (isUp(old.State) || !isUp(replacement.State) || replacement.Name !== params.name)
        return { detail: `kept ${old.Name}: its replacement does not serve in its place` }
      await keepLogs(docker, old, run)
      const kept = await keepData(docker, old, run.signal)
      if (kept?.staysItself) return { detail: `kept ${old.Name}`, remains: [kept.remains] }
      await remove(docker, old, { ownVolumes: false, force: true }, run.signal)
      return { detail: `removed ${old.Name}, not its volumes`, ...(kept && { remains: [kept.remains] }) }
    }
  })

export const removeOld = cleanup('remove_container', (members) => ({
  id: `remove:${ids(members)}`,
  title: `Removing the old ${names(members)}, not its volumes`,
  manualCommands: members.map((member) => `docker rm ${fallbackOf(member)}`)
}))

export const keepOld = cleanup('keep_container', (members) => ({
  id: `keep:${ids(members)}`,
  title: `Keeping the old ${names(members)}, stopped, for files that are in no volume`
}))

export const keepAsImage = cleanup('keep_as_image', (members) => ({
  id: `keep_as_image:${ids(members)}`,
  title: `Removing the old ${names(members)}, keeping files that are in no volume as an image`,
  manualCommands: members.flatMap((member) => [
    `docker commit ${fallbackOf(member)} ${imageOf(member.name, member.container)}`,
    `docker rm ${fallbackOf(member)}`
  ])
}))

/** How the cleanup of a container is called, which `hasOwnFiles` or may have some. */
export const cleanupOf = (container: Container, hasOwnFiles: boolean): RollStep =>
  hasOwnFiles ? (isKeptAsImage(container) ? keepAsImage : keepOld) : removeOld
