import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../support/errors.ts'
import { quoteLine } from '../../support/quote.ts'
import { type Verification, verify } from '../verify.ts'
import { type GroupRecord, rollbackIdsOf } from './group-journal.ts'
import type { OpenGroup } from './open-group.ts'

/** The verification of one target, or why there is none. */
export type MemberVerification =
  | { target: string; verification: Verification; why: null }
  | { target: string; verification: null; why: string }

/** The verification of several targets, with the verdict of the worst. */
export interface GroupVerification {
  names: string
  groupId: string | null
  verdict: Verification['verdict']
  members: MemberVerification[]
}

/** The verification of one target, or of several. */
export type AnyVerification = Verification | GroupVerification

export const isGroupVerification = (result: AnyVerification): result is GroupVerification => 'members' in result

/** Checks side by side what the rollbacks of the targets should have deployed: those of a group, or each target's newest. */
export async function verifyGroup(
  { targets, names, paths, project }: OpenGroup,
  record: GroupRecord | null,
  { soakMs, signal }: { soakMs: number; signal: AbortSignal }
): Promise<GroupVerification> {
  const ids = record ? rollbackIdsOf(record) : new Map<string, string>()
  const members = await Promise.all(
    targets.map(async ({ name: target, session, unopened }): Promise<MemberVerification> => {
      if (!session) return { target, verification: null, why: unopened ?? 'it could not be opened' }
      const id = ids.get(target)
      const rollbackId = id !== undefined && existsSync(join(paths.rollbacksDir, `${id}.jsonl`)) ? id : undefined
      try {
        const verification = await verify(session, { soakMs, signal, ...(rollbackId !== undefined && { rollbackId }) })
        return { target, verification, why: null }
      } catch (error) {
        signal.throwIfAborted()
        return { target, verification: null, why: quoteLine(project.mask, messageOf(error), 300) }
      }
    })
  )
  return { names, groupId: record?.begun.groupId ?? null, verdict: verdictOf(members), members }
}

function verdictOf(members: readonly MemberVerification[]): Verification['verdict'] {
  const verdicts = members.map(({ verification }) => verification?.verdict ?? 'inconclusive')
  if (verdicts.includes('unhealthy')) return 'unhealthy'
  return verdicts.includes('inconclusive') || verdicts.length === 0 ? 'inconclusive' : 'healthy'
}
