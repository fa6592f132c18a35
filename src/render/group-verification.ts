import { z } from 'zod'
import type { GroupVerification } from '../rollback/group/verify-group.ts'
import type { Rendered } from './answer.ts'
import { renderVerification, verificationSchema } from './verification.ts'

export const groupVerificationSchema = z.strictObject({
  target: z.string(),
  rollback_id: z.string().nullable(),
  verdict: verificationSchema.shape.verdict,
  targets: z.array(verificationSchema),
  not_seen: z.array(z.strictObject({ target: z.string(), why: z.string() })).optional()
})

/** The verification of several targets: each as it is alone, and the verdict of the worst. */
export function renderGroupVerification(result: GroupVerification): Rendered<typeof groupVerificationSchema> {
  const { names, groupId, verdict, members } = result
  const each = members.flatMap(({ verification }) => (verification ? [renderVerification(verification)] : []))
  const unseen = members.flatMap(({ target, why }) => (why === null ? [] : [{ target, why }]))
  const ok = verdict === 'healthy'
  return {
    ok,
    summary: [
      `Verification of ${names}: ${verdict}`,
      ...each.map(({ summary }) => summary),
      ...unseen.map(({ target, why }) => `Verification: ${target} was not possible (${why})`)
    ].join('\n'),
    next: ok
      ? groupId
        ? [
            {
              tool: 'write_incident',
              arguments: { rollback_id: groupId },
              when: 'to write one incident report of all targets'
            }
          ]
        : []
      : [{ tool: 'assess_rollback', arguments: { target: names, investigate: true }, when: 'to see what is wrong' }],
    data: {
      target: names,
      rollback_id: groupId,
      verdict,
      targets: each.map(({ data }) => data),
      ...(unseen.length > 0 && { not_seen: unseen })
    }
  }
}
