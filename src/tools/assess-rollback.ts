import { z } from 'zod'
import { assess } from '../rollback/assess/assess.ts'
import { withSession } from '../rollback/open-session.ts'
import { withLimit } from '../support/limit.ts'
import { defineTool } from './define-tool.ts'
import { rehearse, target, withConfig } from './shapes.ts'

export const assessRollback = defineTool({
  name: 'assess_rollback',
  title: 'Assess a rollback',
  description:
    'Use when a deployment failed or production is broken since a release: what serves, the last good version, risks, blockers and the exact plan with its id. Changes nothing.',
  effect: 'reads',
  input: z.strictObject({
    target: target.optional(),
    version: z.string().max(20_000).optional().describe('Default: the recommended one'),
    investigate: z.boolean().optional().describe('Also read logs and events'),
    rehearse,
    with_config: withConfig
  }),
  run: ({ target, version, investigate, rehearse, with_config }, { project, cancelled }) =>
    withSession(project, { target, version, rehearse, withConfig: with_config }, (session) => {
      const signal = withLimit(cancelled, 120_000)
      return assess(session, { signal, version, investigate })
    })
})
