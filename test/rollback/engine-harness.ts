import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { DeploymentRecord, NewRecord } from '../../src/model/deployment-record.ts'
import { openNotifier } from '../../src/notify/webhooks.ts'
import { assess } from '../../src/rollback/assess/assess.ts'
import type { Assessment } from '../../src/rollback/assess/assessment.ts'
import { executeRollback } from '../../src/rollback/run/execute.ts'
import type { ExecuteHooks, ExecuteRequest, RollbackResult } from '../../src/rollback/run/result.ts'
import type { Session } from '../../src/rollback/session.ts'
import type { Clock } from '../../src/support/clock.ts'
import { createMask } from '../../src/support/mask.ts'
import type { Target } from '../../src/targets/target.ts'
import { type Shelf, shelfTarget } from '../../testkit/in-memory-target.ts'

export const success = (version: string, at: string): DeploymentRecord => ({
  at,
  target: 'shelf',
  version,
  status: 'success'
})
export const failed = (version: string, at: string): DeploymentRecord => ({
  at,
  target: 'shelf',
  version,
  status: 'failed'
})

export const goodHistory = [
  failed('1.2.0', '2026-03-18T14:30:00.000Z'),
  success('1.1.0', '2026-03-10T12:00:00.000Z'),
  success('1.0.0', '2026-03-01T12:00:00.000Z')
]

/** A clock that only moves when somebody sleeps, so that a soak of an hour takes no time. */
export function testClock(start = '2026-03-18T14:35:00.000Z'): Clock & { advance(ms: number): void } {
  let now = Date.parse(start)
  const limits: { at: number; over: AbortController }[] = []
  const advance = (ms: number): void => {
    now += ms
    for (const { at, over } of limits)
      if (now >= at) over.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
  }
  return {
    now: () => new Date(now),
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      advance(ms)
    },
    limit(ms) {
      const over = new AbortController()
      limits.push({ at: now + ms, over })
      return over.signal
    },
    advance
  }
}

export interface Engine {
  session: Session
  records: NewRecord[]
  clock: ReturnType<typeof testClock>
  assess(version?: string): Promise<Assessment>
  /** Assesses and executes the plan that is shown. */
  rollBack(request?: Partial<ExecuteRequest>, hooks?: Partial<ExecuteHooks>): Promise<RollbackResult>
}

export async function engine(
  shelf: Shelf,
  {
    history = goodHistory,
    leases = false,
    target
  }: { history?: DeploymentRecord[]; leases?: boolean; target?: Target } = {}
): Promise<Engine> {
  const dir = await mkdtemp(join(tmpdir(), 'pop-engine-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const clock = testClock()
  const records: NewRecord[] = []
  const session: Session = {
    name: 'shelf',
    type: 'shelf',
    target: target ?? shelfTarget(shelf, { leases }),
    projectDir: dir,
    history,
    settings: { soakMs: 10_000, limitMs: 60_000, maxAttempts: 3 },
    files: { journals: join(dir, 'rollbacks'), lock: join(dir, 'rollbacks/shelf.lock') },
    withConfig: false,
    notifier: openNotifier([], { env: {}, mask: createMask(), log: () => undefined }),
    notes: [],
    clock,
    log: () => undefined,
    mask: createMask(),
    record: async (record) => void records.push(record)
  }
  const look = (version?: string) =>
    assess(session, { signal: AbortSignal.timeout(10_000), ...(version !== undefined && { version }) })
  return {
    session,
    records,
    clock,
    assess: look,
    async rollBack(request = {}, hooks = {}) {
      const { plan, chosen } = await look(request.version)
      return executeRollback(
        session,
        { version: chosen?.release.version ?? '', planId: plan?.id ?? '', accept: [], dryRun: false, ...request },
        { report: () => undefined, consent: async () => undefined, cancel: new AbortController().signal, ...hooks }
      )
    }
  }
}
