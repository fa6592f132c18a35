import type { Outcome } from '../../model/outcome.ts'
import type { ReleaseGroupSettings } from '../../project/deploy-file.ts'
import type { Gates, RollbackResult } from '../run/result.ts'
import { withResolvers } from './meeting.ts'

/** How the rollback of one target ended; an error where it was refused before it began. */
export type MemberEnd = { result: RollbackResult; error: null } | { result: null; error: unknown }

/** One target's rollback in a group. */
export interface Turn {
  target: string
  /** Runs the rollback, which waits at its gates. */
  run(gates: Gates): Promise<RollbackResult>
}

/** What the group is told while its targets take their turns. */
export interface TurnEvents {
  switching(target: string): Promise<void>
  proven(target: string): Promise<void>
  ended(target: string, end: MemberEnd): Promise<void>
}

interface TurnOptions {
  onFailure: ReleaseGroupSettings['onFailure']
  cancel: AbortSignal
  events: TurnEvents
}

/** These stop a group: what was asked for did not happen. `manual` and `unverified` are no failures: unknown is no reason to stop. */
const failures: ReadonlySet<Outcome> = new Set(['undone', 'stuck', 'cancelled', 'refused'])

/**
 * Lets all rollbacks prepare at the same time, and then switch one by one in their order. None switches before each has prepared. None
 * cleans up before the last one is proven, so that each can still be undone.
 */
export async function takeTurns(turns: readonly Turn[], options: TurnOptions): Promise<Map<string, MemberEnd>> {
  const members = turns.map((turn) => started(turn, options.events))
  try {
    await switchInOrder(members, options)
  } finally {
    for (const member of members) {
      member.turn.resolve(false)
      member.decision.resolve('keep')
    }
  }
  return new Map(await Promise.all(members.map(async ({ target, end }) => [target, await end] as const)))
}

type Member = ReturnType<typeof started>

function started({ target, run }: Turn, events: TurnEvents) {
  const [ready, turn] = [withResolvers<void>(), withResolvers<boolean>()]
  const [proven, decision] = [withResolvers<void>(), withResolvers<'keep' | 'undo'>()]
  const gates: Gates = {
    async beforeSwitch() {
      ready.resolve()
      const isTurn = await turn.promise
      if (isTurn) await events.switching(target)
      return isTurn
    },
    async beforeCleanup() {
      await events.proven(target)
      proven.resolve()
      return decision.promise
    }
  }
  const end = run(gates).then(
    (result): MemberEnd => ({ result, error: null }),
    (error: unknown): MemberEnd => ({ result: null, error })
  )
  const ended = end.then(async (how) => {
    await events.ended(target, how)
    return how
  })
  const waits = (gate: Promise<void>): Promise<MemberEnd | null> => Promise.race([gate.then(() => null), ended])
  return {
    target,
    turn,
    decision,
    end: ended,
    /** How it ended before it could switch; null where it waits for its turn. */
    ready: waits(ready.promise),
    /** How it ended; null where it is in place and waits for the others. */
    proven: waits(proven.promise)
  }
}

async function switchInOrder(members: readonly Member[], { onFailure, cancel }: TurnOptions): Promise<void> {
  const prepared = await Promise.all(members.map(({ ready }) => ready))
  if (prepared.some((end) => end && hasFailed(end))) return
  const inPlace: Member[] = []
  for (const member of members) {
    if (cancel.aborted) return
    member.turn.resolve(true)
    const end = await member.proven
    if (!end) inPlace.push(member)
    if (!end || !hasFailed(end) || onFailure === 'continue') continue
    if (onFailure === 'undo') await undoAll(inPlace)
    return
  }
}

/** Newest first. */
async function undoAll(inPlace: readonly Member[]): Promise<void> {
  for (const member of [...inPlace].reverse()) {
    member.decision.resolve('undo')
    await member.end
  }
}

export const hasFailed = ({ result }: MemberEnd): boolean => !result || failures.has(result.outcome)
