import { z } from 'zod'
import type { NewRecord } from '../model/deployment-record.ts'
import type { Release } from '../model/release.ts'
import { freezeOf, refuseFrozen } from '../project/frozen.ts'
import { projectPaths } from '../project/paths.ts'
import type { Answer } from '../render/answer.ts'
import { journalById } from '../rollback/journal/journal.ts'
import { recordDeployment, selectTarget, withSession } from '../rollback/open-session.ts'
import { rememberProven } from '../rollback/remember.ts'
import { recordManualRollback } from '../rollback/run/conclude.ts'
import type { ProjectContext } from '../rollback/session.ts'
import { InputError, messageOf } from '../support/errors.ts'
import { withLimit } from '../support/limit.ts'
import { oneLine } from '../support/text.ts'
import { rollbackId } from '../tools/shapes.ts'
import { type Flags, numberOf } from './arguments.ts'
import type { Command, CommandContext } from './run.ts'

const recordSchema = z.object({
  target: z.string().min(1),
  version: z.string().min(1),
  status: z.enum(['success', 'failed']),
  digest: z.string().max(200).optional(),
  commit: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/i)
    .toLowerCase()
    .optional(),
  error: z.string().max(2000).optional()
})

type Deployed = Omit<z.infer<typeof recordSchema>, 'target'>

/** Records what a pipeline just deployed, with the target's identity of it, as evidence for the next rollback. */
export const record: Command = async (context) => {
  const { flags, project } = context
  if (flags.rollback !== undefined) return recordRollback(context, flags.rollback)
  const { target, ...given } = checked(flags)
  const durationMs = numberOf('duration-ms', flags['duration-ms'], Number.MAX_SAFE_INTEGER)
  const { paths, file } = await selectTarget(project, { target, version: given.version })
  if (given.status === 'success' && flags.force !== true)
    refuseFrozen(freezeOf(file?.frozen ?? [], target, given.version, project.clock.now()), 'recorded as a success')
  const { seen, note } =
    given.status === 'success' ? await whatServes(project, target, given, flags.force === true) : { seen: {}, note: '' }
  const entry = { ...seen, ...given, ...(durationMs !== undefined && { durationMs }) }
  await recordDeployment(project, paths, target, entry)
  // The error is the deployment's, not this command's.
  const { error: _, ...shown } = given
  return {
    ok: true,
    summary: `Recorded: ${target} ${given.version} ${given.status}${note}`,
    next: [],
    target,
    ...shown
  }
}

/** Records a manual rollback once the target shows that a person has done it. */
const recordRollback = async ({ flags, project, cancelled }: CommandContext, id: string): Promise<Answer> => {
  const known = rollbackId.safeParse(id)
  const odd = ['version', 'status', 'digest', 'commit', 'duration-ms', 'error', 'force'].find((name) => name in flags)
  if (!known.success || odd)
    throw new InputError({
      what: 'Invalid record',
      why: odd ? `--${odd} does not go with --rollback` : 'that is not a rollback id',
      next: 'Pass --rollback with the id that the rollback returned, and at most --target.',
      code: 'usage'
    })
  const journal = await journalById(projectPaths(project.projectDir).rollbacksDir, known.data)
  const { target, from, to } = journal.begun
  if (flags.target !== undefined && flags.target !== target)
    throw new InputError({
      what: `${known.data} is not a rollback of ${flags.target}`,
      why: `its journal names ${target}`,
      next: 'Omit --target.',
      code: 'usage'
    })
  const added = await withSession(project, { target }, (session) =>
    recordManualRollback(session, journal, withLimit(cancelled, session.settings.limitMs))
  )
  const what = `${target} ${from?.version} rolled back to ${to.version} manually (${known.data})`
  const summary = added ? `Recorded: ${what}` : `Already recorded: ${what}`
  return { ok: true, summary, next: [], target, rollback_id: known.data, added }
}

type Seen = Pick<NewRecord, 'digest' | 'commit' | 'snapshot'>

/** Digest and configuration of what serves; the record is written without them where the target does not answer. */
async function whatServes(
  project: ProjectContext,
  target: string,
  given: Deployed,
  force: boolean
): Promise<{ seen: Seen; note: string }> {
  const observed = await withSession(project, { target }, async (session) => {
    const { observation } = await session.target.observe(AbortSignal.timeout(15_000))
    if (observation.current && isSame(observation.current, given)) await rememberProven(session)
    return observation
  }).catch((error: unknown) => oneLine(messageOf(error)))
  if (typeof observed === 'string') return { seen: {}, note: ` (the target did not answer: ${observed})` }
  const { current, snapshot } = observed
  if (current && isSame(current, given)) {
    const { id: digest, commit } = current
    return { seen: { digest, ...(commit && { commit }), ...(snapshot && { snapshot }) }, note: '' }
  }
  const serves = current?.version ?? 'nothing'
  if (!force) throw notDeployed(target, given.version, serves)
  return { seen: {}, note: ` (the target says that ${serves} serves)` }
}

/** A target that does not name versions cannot contradict: what serves is what was deployed just now. */
const isSame = ({ version, id, commit = version, guessed }: Release, given: Deployed): boolean =>
  guessed === true ||
  withoutV(version) === withoutV(given.version) ||
  id === given.digest ||
  (given.commit !== undefined && (commit.startsWith(given.commit) || given.commit.startsWith(commit)))

const withoutV = (version: string): string => version.replace(/^v(?=\d)/, '')

const notDeployed = (target: string, version: string, serves: string): InputError =>
  new InputError({
    what: `${version} was not recorded as a success`,
    why: `${target} says that ${serves} serves`,
    state: 'Nothing was written.',
    next: 'Wait until the deployment has taken effect and record it then, or add --force if you know better.',
    code: 'not_deployed'
  })

function checked(flags: Flags): z.infer<typeof recordSchema> {
  const parsed = recordSchema.safeParse(flags)
  if (parsed.success) return parsed.data
  throw new InputError({
    what: 'Invalid record',
    why: parsed.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('; '),
    next: 'Pass --target, --version and --status success or failed.',
    code: 'usage'
  })
}
