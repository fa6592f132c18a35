import { z } from 'zod'
import { projectPaths } from '../project/paths.ts'
import { journalById } from '../rollback/journal/journal.ts'
import { withSession } from '../rollback/open-session.ts'
import { longestProofMs } from '../rollback/run/prove.ts'
import { verify } from '../rollback/verify.ts'
import { withLimit } from '../support/limit.ts'
import { defineTool } from './define-tool.ts'
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
  run: async ({ rollback_id: id, target, soak_seconds = 0 }, { project, cancelled }) => {
    const name = id ? (await journalById(projectPaths(project.projectDir).rollbacksDir, id)).begun.target : target
    return withSession(project, { target: name }, (session) => {
      const soakMs = soak_seconds * 1000
      const signal = withLimit(cancelled, longestProofMs(soakMs) + 120_000)
      return verify(session, { rollbackId: id, soakMs, signal })
    })
  }
})
