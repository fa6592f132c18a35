import { z } from 'zod'
import { assess } from '../rollback/assess/assess.ts'
import { assessGroup } from '../rollback/group/assess-group.ts'
import type { AnyAssessment } from '../rollback/group/group-assessment.ts'
import { searchNeighbours } from '../rollback/group/neighbours.ts'
import { unfinishedNote } from '../rollback/group/unfinished-note.ts'
import { withSession } from '../rollback/open-session.ts'
import { withLimit } from '../support/limit.ts'
import { defineTool } from './define-tool.ts'
import { oneOrGroup } from './one-or-group.ts'
import { rehearse, target, withConfig } from './shapes.ts'

/** How much longer an assessment may take for the other targets of the release. */
const neighboursWithinMs = 3_000

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
  run: ({ target, version, investigate, rehearse, with_config }, { project, cancelled }): Promise<AnyAssessment> => {
    const signal = withLimit(cancelled, 120_000)
    return oneOrGroup<AnyAssessment>(
      project,
      { target, version, rehearse, withConfig: with_config },
      {
        one: (name) =>
          withSession(project, { target: name, version, rehearse, withConfig: with_config }, async (session) => {
            const others = searchNeighbours(project, session.name, signal)
            const assessment = await assess(session, { signal, version, investigate, glance: true })
            const neighbours = await others.of(assessment, session.history, neighboursWithinMs)
            const unfinished = await unfinishedNote(project, session.name)
            return { ...assessment, neighbours, notes: [...unfinished, ...assessment.notes] }
          }),
        several: (group) => assessGroup(group, { version, investigate, signal })
      }
    )
  }
})
