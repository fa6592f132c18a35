import { z } from 'zod'
import { assessmentData, assessmentNext, assessmentSummary } from '../render/assessment.ts'
import { assess } from '../rollback/assess/assess.ts'
import { closing } from './closing.ts'
import { defineTool } from './define-tool.ts'
import { rehearse, target } from './shapes.ts'

export const assessRollback = defineTool({
  name: 'assess_rollback',
  title: 'Assess a rollback',
  description:
    'Use when a deployment failed or production is broken since a release: what serves, the last good version, risks, blockers and the exact plan with its id. Changes nothing.',
  effect: 'reads',
  input: z.object({
    target: target.optional(),
    version: z.string().max(20_000).optional().describe('Default: the recommended one'),
    investigate: z.boolean().optional().describe('Also read logs and events'),
    rehearse
  }),
  output: ['target', 'current', 'recommended', 'candidates', 'risks', 'blockers', 'plan', 'interrupted', 'diagnosis'],
  handler: ({ target: name, version, investigate, rehearse }, { project, cancelled }) => {
    const wanted = {
      ...(name && { target: name }),
      ...(version !== undefined && { version }),
      ...(rehearse !== undefined && { rehearse })
    }
    return closing(project, wanted, async (session) => {
      const signal = AbortSignal.any([cancelled, AbortSignal.timeout(120_000)])
      const assessment = await assess(session, {
        signal,
        ...(version !== undefined && { version }),
        ...(investigate && { investigate })
      })
      return {
        ok: true,
        summary: assessmentSummary(assessment),
        next: assessmentNext(assessment, rehearse),
        data: assessmentData(assessment)
      }
    })
  }
})
