import { z } from 'zod'
import { checkSchema } from '../model/check.ts'
import type { Verification } from '../rollback/verify.ts'
import type { NextCall } from '../support/next-call.ts'
import type { Rendered } from './answer.ts'

export const verificationSchema = z.strictObject({
  target: z.string(),
  rollback_id: z.string().nullable(),
  version: z.string(),
  verdict: z.enum(['healthy', 'unhealthy', 'inconclusive']),
  checks: z.array(checkSchema)
})

const words = {
  healthy: 'serves as it should',
  unhealthy: 'does NOT serve as it should',
  inconclusive: 'unknown whether it serves'
} as const
const results = { pass: 'passed', fail: 'FAILED', unknown: 'unknown' } as const

/** A verification: each check and the verdict. */
export function renderVerification({
  target,
  verdict,
  checks,
  release: { version },
  rollbackId,
  unrecorded
}: Verification): Rendered<typeof verificationSchema> {
  const ok = verdict === 'healthy'
  const toRecord = unrecorded && ok
  return {
    ok,
    summary: [
      `${target} ${version}: ${words[verdict]}. Verdict: ${verdict}`,
      ...checks.map(({ title, status, detail }) => `  - ${title}... ${results[status]} (${detail})`),
      ...(toRecord ? [`Not in the history yet. Record it: pop-deploy-rollback record --rollback ${rollbackId}`] : [])
    ].join('\n'),
    next: ok ? reportCall(rollbackId) : [investigate(target)],
    data: { target, rollback_id: rollbackId, version, verdict, checks }
  }
}

const reportCall = (rollbackId: string | null): NextCall[] =>
  rollbackId
    ? [{ tool: 'write_incident', arguments: { rollback_id: rollbackId }, when: 'to write the incident report' }]
    : []

const investigate = (target: string): NextCall => ({
  tool: 'assess_rollback',
  arguments: { target, investigate: true },
  when: 'to see what is wrong'
})
