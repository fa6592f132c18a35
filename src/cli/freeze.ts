import type { Frozen } from '../model/frozen.ts'
import { freezeEnd, frozenLine, frozenOf, isSameVersion } from '../project/frozen.ts'
import { freeze, unfreeze } from '../project/write-frozen.ts'
import { selectTarget } from '../rollback/open-session.ts'
import type { ProjectContext } from '../rollback/session.ts'
import { isoNow } from '../support/clock.ts'
import { InputError } from '../support/errors.ts'
import { oneLine } from '../support/text.ts'
import type { Command } from './run.ts'

/** Keeps a version from being deployed again: `record`, the hook and `status` say so. */
export const freezeCommand: Command = async ({ flags, project }) => {
  const { target, version, until, reason } = flags
  if (!target || !version)
    throw new InputError({
      what: 'Invalid freeze',
      why: 'it needs a target and a version',
      next: 'Pass --target and --version.',
      code: 'usage'
    })
  await selectTarget(project, { target, version })
  const frozen = await freezeVersion(project, { target, version, until, reason })
  return { ok: true, summary: `Frozen: on ${target}, ${frozenLine(frozen)}`, next: [], target, frozen }
}

/** Ends the freeze of a version, or of every one of a target. */
export const unfreezeCommand: Command = async ({ flags, project }) => {
  const { target, version } = flags
  const { chosen, file, paths } = await selectTarget(project, {
    ...(target && { target }),
    ...(version && { version })
  })
  const { name } = chosen
  const ended = frozenOf(file?.frozen ?? [], name, project.clock.now()).filter(
    (one) => version === undefined || isSameVersion(one.version, version)
  )
  if (ended.length === 0) return { ok: true, summary: `Nothing is frozen on ${name}`, next: [], target: name, ended }
  await unfreeze(paths, { target: name, version }, { env: project.env })
  const summary = `No longer frozen on ${name}: ${ended.map((one) => one.version).join(', ')}`
  return { ok: true, summary, next: [], target: name, ended }
}

/** What `rollback --freeze` does once the rollback is done. */
export async function freezeVersion(
  project: ProjectContext,
  {
    target,
    version,
    until,
    reason
  }: { target: string; version: string; until?: string | undefined; reason?: string | undefined }
): Promise<Frozen> {
  const { clock, env, mask } = project
  const { paths } = await selectTarget(project, { target })
  const frozen: Frozen = {
    target,
    version,
    until: freezeEnd(until, clock.now()),
    reason: reason === undefined ? null : oneLine(mask.text(reason), 500)
  }
  await freeze(paths, frozen, isoNow(clock), { env })
  return frozen
}
