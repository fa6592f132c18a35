import { z } from 'zod'
import { projectPaths } from '../project/paths.ts'
import { groupById, isGroupId } from '../rollback/group/group-journal.ts'
import { withGroup } from '../rollback/group/open-group.ts'
import { type AnyVerification, verifyGroup } from '../rollback/group/verify-group.ts'
import { journalById } from '../rollback/journal/journal.ts'
import { withSession } from '../rollback/open-session.ts'
import { longestProofMs } from '../rollback/run/prove.ts'
import { verify } from '../rollback/verify.ts'
import { withLimit } from '../support/limit.ts'
import { defineTool } from './define-tool.ts'
import { oneOrGroup } from './one-or-group.ts'
import { rollbackId, target } from './shapes.ts'

export const verifyRollback = defineTool({
  name: 'verify_rollback',
  title: 'Verify a rollback',
  description:
    'Use after a rollback, or any time later, to check whether its version serves. Verdict: healthy, unhealthy or inconclusive. Changes nothing.',
  effect: 'reads',
  input: z.strictObject({
    rollback_id: rollbackId.optional().describe('Default: the newest'),
    target: target.optional(),
    soak_seconds: z.number().min(0).max(600).optional().describe('How long to watch, up to 600; default 0')
  }),
  run: async ({ rollback_id: id, target, soak_seconds = 0 }, { project, cancelled }): Promise<AnyVerification> => {
    const { rollbacksDir } = projectPaths(project.projectDir)
    const soakMs = soak_seconds * 1000
    const signal = withLimit(cancelled, longestProofMs(soakMs) + 120_000)
    if (id !== undefined && isGroupId(id)) {
      const record = await groupById(rollbacksDir, id, project.clock.now())
      const names = record.begun.members.map((member) => member.target)
      return withGroup(project, { names, listed: true }, (group) => verifyGroup(group, record, { soakMs, signal }))
    }
    const name = id ? (await journalById(rollbacksDir, id)).begun.target : target
    const one = (only: string | undefined): Promise<AnyVerification> =>
      withSession(project, { target: only }, (session) => verify(session, { rollbackId: id, soakMs, signal }))
    if (id) return one(name)
    return oneOrGroup<AnyVerification>(
      project,
      { target: name },
      { one, several: (group) => verifyGroup(group, null, { soakMs, signal }) }
    )
  }
})
