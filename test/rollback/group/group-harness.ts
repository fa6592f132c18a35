import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { DeploymentRecord, NewRecord } from '../../../src/model/deployment-record.ts'
import { openNotifier } from '../../../src/notify/webhooks.ts'
import type { ReleaseGroupSettings } from '../../../src/project/deploy-file.ts'
import { projectPaths } from '../../../src/project/paths.ts'
import { assessGroup } from '../../../src/rollback/group/assess-group.ts'
import { executeGroup } from '../../../src/rollback/group/execute-group.ts'
import type { GroupAssessment } from '../../../src/rollback/group/group-assessment.ts'
import type { GroupResult } from '../../../src/rollback/group/group-result.ts'
import type { GroupHooks } from '../../../src/rollback/group/member-run.ts'
import type { GroupTarget, OpenGroup } from '../../../src/rollback/group/open-group.ts'
import type { ExecuteRequest } from '../../../src/rollback/run/result.ts'
import { createMask } from '../../../src/support/mask.ts'
import { type Shelf, shelfTarget } from '../../../testkit/in-memory-target.ts'
import { testClock } from '../engine-harness.ts'

export const record = (
  target: string,
  version: string,
  status: 'success' | 'failed',
  at: string
): DeploymentRecord => ({
  at,
  target,
  version,
  status
})

/** 1.0.0 and 1.1.0 served; 1.2.0 was deployed to each a minute after the one before, and the first is recorded as failed. */
export const releaseHistory = (names: readonly string[]): DeploymentRecord[] =>
  names.flatMap((name, index) => [
    record(name, '1.2.0', index === 0 ? 'failed' : 'success', `2026-03-18T14:3${index}:00.000Z`),
    record(name, '1.1.0', 'success', `2026-03-10T12:0${index}:00.000Z`),
    record(name, '1.0.0', 'success', `2026-03-01T12:0${index}:00.000Z`)
  ])

export interface GroupEngine {
  group: OpenGroup
  records: (NewRecord & { target: string })[]
  assess(version?: string): Promise<GroupAssessment>
  /** Assesses and executes the plan that is shown. */
  rollBack(request?: Partial<ExecuteRequest>, hooks?: Partial<GroupHooks>): Promise<GroupResult>
  execute(request: Partial<ExecuteRequest>, hooks?: Partial<GroupHooks>): Promise<GroupResult>
}

interface Options {
  history?: DeploymentRecord[]
  settings?: Partial<ReleaseGroupSettings>
  listed?: boolean
  holds?: Record<string, GroupTarget['holds']>
  dir?: string
}

/** Several shelves as one group. */
export async function groupEngine(shelves: Record<string, Shelf>, options: Options = {}): Promise<GroupEngine> {
  const { history = releaseHistory(Object.keys(shelves)), settings = {}, listed = false, holds = {} } = options
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'pop-group-')))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const clock = testClock()
  const records: GroupEngine['records'] = []
  const project = { projectDir: dir, env: {}, clock, log: () => undefined, mask: createMask() }
  const paths = projectPaths(dir)
  const targets = Object.entries(shelves).map(([name, shelf]): GroupTarget => {
    const own = history.filter(({ target }) => target === name)
    return {
      name,
      holds: holds[name] ?? 'traffic',
      history: own,
      unopened: null,
      session: {
        ...project,
        name,
        type: 'shelf',
        target: shelfTarget(shelf),
        history: own,
        withConfig: false,
        notifier: openNotifier([], project),
        settings: { soakMs: 1_000, limitMs: 600_000, maxAttempts: 9 },
        files: { journals: paths.rollbacksDir, lock: paths.lockFile(name) },
        notes: [],
        record: async (added) => void records.push({ ...added, target: name })
      }
    }
  })
  const group: OpenGroup = {
    names: Object.keys(shelves).join(','),
    listed,
    targets,
    settings: { order: [], onFailure: 'stop', ...settings },
    paths,
    project
  }
  const assess = (version?: string) => assessGroup(group, { version, signal: AbortSignal.timeout(10_000) })
  const execute: GroupEngine['execute'] = (request, hooks = {}) =>
    executeGroup(
      group,
      { version: '', planId: '', accept: [], dryRun: false, ...request },
      { report: () => undefined, consent: async () => undefined, cancel: new AbortController().signal, ...hooks }
    )
  return {
    group,
    records,
    assess,
    execute,
    async rollBack(request = {}, hooks = {}) {
      const { plan } = await assess(request.version)
      return execute({ version: plan?.version ?? '', planId: plan?.id ?? '', ...request }, hooks)
    }
  }
}
