import { z } from 'zod'
import { projectPaths } from '../project/paths.ts'
import { longestProofMs } from '../rollback/run/prove.ts'
import { journalById, type Verification, verify } from '../rollback/verify.ts'
import { closing } from './closing.ts'
import { defineTool, type ToolResult } from './define-tool.ts'
import { rollbackId, target } from './shapes.ts'

export const verifyRollback = defineTool({
  name: 'verify_rollback',
  title: 'Verify a rollback',
  description:
    'Use after a rollback, or any time later, to see whether its version serves. Verdict: healthy, unhealthy or inconclusive. Changes nothing.',
  effect: 'reads',
  input: z.object({
    rollback_id: rollbackId.optional().describe('Default: the newest'),
    target: target.optional(),
    soak_seconds: z.number().min(0).max(600).optional().describe('How long to watch, up to 600; default 0')
  }),
  output: ['target', 'rollback_id', 'version', 'verdict', 'checks'],
  handler: async ({ rollback_id, target: asked, soak_seconds = 0 }, { project, cancelled }) => {
    const journals = projectPaths(project.projectDir).rollbacksDir
    const name = rollback_id ? (await journalById(journals, rollback_id)).begun.target : asked
    return closing(project, name === undefined ? {} : { target: name }, async (session) => {
      const soakMs = soak_seconds * 1000
      const signal = AbortSignal.any([cancelled, AbortSignal.timeout(longestProofMs(soakMs) + 120_000)])
      const found = await verify(session, { soakMs, signal, ...(rollback_id && { rollbackId: rollback_id }) })
      return render(session.name, found)
    })
  }
})

const words = { pass: 'passed', fail: 'FAILED', unknown: 'unknown' } as const

function render(name: string, { verdict, checks, release, rollbackId: id, unrecorded }: Verification): ToolResult {
  const lines = checks.map(({ title, status, detail }) => `  - ${title}... ${words[status]} (${detail})`)
  const record =
    unrecorded && verdict === 'healthy'
      ? [`Not in the history yet; record it: pop-deploy-rollback record --rollback ${id}`]
      : []
  return {
    ok: verdict === 'healthy',
    summary: [`Verification: ${name} ${release.version}`, ...lines, `Verdict: ${verdict}`, ...record].join('\n'),
    next:
      verdict === 'healthy'
        ? id
          ? [{ tool: 'write_incident', arguments: { rollback_id: id }, when: 'to write the incident report' }]
          : []
        : [{ tool: 'assess_rollback', arguments: { target: name, investigate: true }, when: 'to see what is wrong' }],
    data: { target: name, rollbackId: id, version: release.version, verdict, checks }
  }
}
