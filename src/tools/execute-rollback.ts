import { z } from 'zod'
import { rollbackData, rollbackNext, rollbackSummary } from '../render/rollback.ts'
import { executeRollback } from '../rollback/run/execute.ts'
import { closing } from './closing.ts'
import { defineTool } from './define-tool.ts'
import { target } from './shapes.ts'

export const executeRollbackTool = defineTool({
  name: 'execute_rollback',
  title: 'Roll back',
  description:
    'Use after assess_rollback, once a person approved its plan: carries exactly that plan out and proves it, or puts back what was. dry_run checks the preconditions and changes nothing.',
  effect: 'changes the target',
  input: z.object({
    target,
    version: z.string().min(1).max(20_000),
    plan_id: z.string().max(200),
    accept: z.array(z.string().max(300)).max(50).optional().describe('Ids of serious risks a person accepted'),
    dry_run: z.boolean().optional(),
    rehearse: z.boolean().optional().describe('As in assess_rollback')
  }),
  output: ['rollback_id', 'outcome', 'dry_run', 'from', 'to', 'steps', 'duration_ms'],
  handler: (input, { project, report, cancelled, consent, unattended }) => {
    const rehearsal = input.rehearse === undefined ? {} : { rehearse: input.rehearse }
    return closing(project, { target: input.target, version: input.version, ...rehearsal }, async (session) => {
      const request = {
        version: input.version,
        planId: input.plan_id,
        accept: input.accept ?? [],
        dryRun: input.dry_run ?? false
      }
      const result = await executeRollback(session, request, {
        report,
        cancel: cancelled,
        consent,
        ...(unattended && { unattended })
      })
      return {
        ok: result.outcome === 'succeeded' || result.outcome === 'checked',
        summary: rollbackSummary(session.name, result),
        next: rollbackNext(session.name, { ...request, ...rehearsal }, result),
        data: rollbackData(session.name, result)
      }
    })
  }
})
