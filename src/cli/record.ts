import { z } from 'zod'
import { type ProjectContext, selectTarget } from '../rollback/open-session.ts'
import { recordDeployment } from '../rollback/run/record-deployment.ts'
import { recordManually } from '../rollback/run/record-manually.ts'
import type { NewRecord } from '../rollback/session.ts'
import { journalById } from '../rollback/verify.ts'
import { InputError, messageOf } from '../support/errors.ts'
import { oneLine } from '../support/text.ts'
import type { Answer } from '../tools/call-tool.ts'
import { closing } from '../tools/closing.ts'
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

/** Writes what a pipeline just deployed, with what the target says of it, so that the next rollback has evidence. */
export const record: Command = async (context) => {
  const { flags, project } = context
  if (flags.rollback !== undefined) return recordRollback(context, flags.rollback)
  const { target, ...given } = checked(flags)
  const durationMs = numberOf('duration-ms', flags['duration-ms'])
  const { paths } = await selectTarget(project, { target, version: given.version })
  const { seen, note } =
    given.status === 'success' ? await whatServes(project, target, given.version) : { seen: {}, note: '' }
  const entry = { ...seen, ...given, ...(durationMs !== undefined && { durationMs }) }
  await recordDeployment(project, paths, target, entry)
  // the deployment's error is no error of this answer
  const { error: _, ...shown } = given
  return {
    ok: true,
    summary: `Recorded: ${target} ${given.version} ${given.status}${note}`,
    next: [],
    target,
    ...shown
  }
}

/** Completes the history with a rollback that was left to a person, after a look at the target. */
const recordRollback = async ({ flags, project, paths, cancelled }: CommandContext, id: string): Promise<Answer> => {
  const known = rollbackId.safeParse(id)
  const odd = ['version', 'status', 'digest', 'commit', 'duration-ms', 'error'].find((name) => name in flags)
  if (!known.success || odd)
    throw new InputError({
      what: 'The record is not complete or not correct',
      why: odd ? `--rollback says it all already, --${odd} does not go with it` : 'that is not the id of a rollback',
      next: 'Pass --rollback with the id that the rollback returned, and nothing else but --target.',
      code: 'usage'
    })
  const journalRecord = await journalById(paths.rollbacksDir, known.data)
  const { target, from, to } = journalRecord.begun
  if (flags.target !== undefined && flags.target !== target)
    throw new InputError({
      what: `${known.data} is no rollback of ${flags.target}`,
      why: `its journal names ${target}`,
      next: 'Leave --target away.',
      code: 'usage'
    })
  const added = await closing(project, { target }, (session) =>
    recordManually(session, journalRecord, AbortSignal.any([cancelled, AbortSignal.timeout(session.settings.limitMs)]))
  )
  const what = `${target} ${from?.version} rolled back to ${to.version} by hand (${known.data})`
  const summary = added ? `Recorded: ${what}` : `Recorded already: ${what}`
  return { ok: true, summary, next: [], target, rollback_id: known.data, added }
}

/** Digest and configuration of what serves, when it is the version that was deployed; the record is worth having without, too. */
async function whatServes(
  project: ProjectContext,
  target: string,
  version: string
): Promise<{ seen: Pick<NewRecord, 'digest' | 'commit' | 'snapshot'>; note: string }> {
  try {
    return await closing(project, { target }, async (session) => {
      const { observation } = await session.target.observe(AbortSignal.timeout(15_000))
      const { current, snapshot } = observation
      if (current?.version !== version)
        return { seen: {}, note: ` (the target says that ${current?.version ?? 'nothing'} serves)` }
      const seen = {
        digest: current.id,
        ...(current.commit && { commit: current.commit }),
        ...(snapshot && { snapshot })
      }
      return { seen, note: '' }
    })
  } catch (error) {
    return { seen: {}, note: ` (the target could not be asked: ${oneLine(messageOf(error))})` }
  }
}

function checked(flags: Flags): z.infer<typeof recordSchema> {
  const parsed = recordSchema.safeParse(flags)
  if (parsed.success) return parsed.data
  throw new InputError({
    what: 'The record is not complete or not correct',
    why: parsed.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('; '),
    next: 'Pass --target, --version and --status success or failed.',
    code: 'usage'
  })
}
