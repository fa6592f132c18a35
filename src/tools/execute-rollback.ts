import { z } from 'zod'
import { executeGroup } from '../rollback/group/execute-group.ts'
import type { AnyResult } from '../rollback/group/group-result.ts'
import { withSession } from '../rollback/open-session.ts'
import { executeRollback } from '../rollback/run/execute.ts'
import { defineTool } from './define-tool.ts'
import { oneOrGroup } from './one-or-group.ts'
import { target } from './shapes.ts'

export const executeRollbackTool = defineTool({
  name: 'execute_rollback',
  title: 'Roll back',
  description:
    'Use after assess_rollback, once a person approved its plan: carries out exactly that plan and verifies the result, or undoes it. dry_run checks the preconditions and changes nothing.',
  effect: 'changes the target',
  input: z.strictObject({
    target,
    version: z.string().min(1).max(20_000),
    plan_id: z.string().max(300),
    accept: z.array(z.string().max(300)).max(50).optional().describe('Ids of serious risks a person accepted'),
    dry_run: z.boolean().optional(),
    rehearse: z.boolean().optional().describe('As in assess_rollback'),
    with_config: z.boolean().optional()
  }),
  run: (
    { target, version, plan_id, accept = [], dry_run = false, rehearse, with_config },
    { project, report, cancelled, consent, unattended, attended, group }
  ): Promise<AnyResult> => {
    const request = { version, planId: plan_id, accept, dryRun: dry_run }
    return oneOrGroup<AnyResult>(
      project,
      { target, version, rehearse, withConfig: with_config },
      {
        one: (name) =>
          withSession(project, { target: name, version, rehearse, withConfig: with_config }, (session) =>
            executeRollback(session, request, { report, cancel: cancelled, consent, unattended, attended })
          ),
        several: (opened) => executeGroup(opened, request, { report, cancel: cancelled, attended, ...group })
      }
    )
  }
})
