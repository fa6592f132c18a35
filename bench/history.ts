import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Release } from '../src/model/release.ts'
import { projectPaths } from '../src/project/paths.ts'
import { answerOf } from '../src/render/answer.ts'
import { renderAnyAssessment } from '../src/render/any.ts'
import { journalFormat } from '../src/rollback/journal/journal-events.ts'
import { systemClock } from '../src/support/clock.ts'
import { createMask } from '../src/support/mask.ts'
import { targetTypes } from '../src/targets/index.ts'
import type { Target } from '../src/targets/target.ts'
import { assessRollback } from '../src/tools/assess-rollback.ts'
import { writeIncidentTool } from '../src/tools/write-incident.ts'
import { typeInMemory } from '../testkit/in-memory-target.ts'
import { inTurns, median, printRatios } from './support/turns.ts'

/**
 * What a whole assessment costs beyond the target, as the tool answers it: choosing, deploy.json, journals, ranking, git, the plan
 * id, masking and rendering; and what a report costs. With 10,000 records in the history, or as many as the second argument says, next
 * to the same with ten, on a target that answers at once.
 */
const rounds = Number(process.argv[2] ?? 15)
const many = Number(process.argv[3] ?? 10_000)
const run = promisify(execFile)

const releases: Release[] = Array.from({ length: 100 }, (_, index) => ({
  version: `1.${index}.0`,
  id: `sha256:${index}`,
  available: { state: 'yes' }
}))

const instant: Target = {
  observe: async () => ({
    state: null,
    observation: {
      current: releases[0] ?? null,
      health: { state: 'down', message: 'it does not answer' },
      releases: releases.slice(1),
      risks: [],
      blockers: [],
      fingerprint: '',
      notes: []
    }
  }),
  reread: async (steps) => ({ steps: [...steps], mismatches: [] }),
  plan: async () => ({
    steps: [{ id: 'switch', kind: 'switch', phase: 'switch', title: 'Switching', params: {}, undo: 'Switch back' }],
    risks: [],
    blockers: [],
    fingerprint: '',
    notes: []
  }),
  apply: async () => ({}),
  revert: async () => ({}),
  check: async () => ({ checks: [], observed: {} }),
  diagnose: async () => ({ findings: [], events: [], evidence: [] })
}

targetTypes.instant = async () => ({ default: typeInMemory(async () => instant) })

const records = (count: number, commit: string) =>
  Array.from({ length: count }, (_, index) => ({
    timestamp: new Date(Date.UTC(2026, 0, 1) - index * 3_600_000).toISOString().replace('Z', ''),
    target: index % 3 === 0 ? 'npm' : 'instant',
    version: `1.${index % 100}.0`,
    status: index % 7 === 0 ? 'failed' : 'success',
    commit_sha: commit,
    duration_ms: 60_000,
    error: null,
    rollback_to: null
  }))

const journals = 20

/** A git repository with so many records, and journals of former rollbacks, which stay few whatever the history. */
async function projectWith(count: number): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'pop-bench-'))
  const git = (...args: string[]) =>
    run('git', ['-C', dir, '-c', 'user.name=B', '-c', 'user.email=b@example.org', ...args])
  await git('init', '-q')
  await git('commit', '-q', '--allow-empty', '-m', 'Begin')
  const { stdout } = await git('rev-parse', 'HEAD')
  const paths = projectPaths(dir)
  await mkdir(paths.rollbacksDir, { recursive: true })
  const targets = { instant: { enabled: true, config: {} } }
  const content = { version: '1.0', targets, history: records(count, stdout.trim()) }
  await writeFile(paths.deployFile, JSON.stringify(content, null, 2))
  for (let index = 0; index < journals; index++) await writeJournal(paths.rollbacksDir, index)
  return dir
}

async function writeJournal(dir: string, index: number): Promise<void> {
  const at = new Date(Date.UTC(2025, 11, 1 + index)).toISOString()
  const id = `rb-2025120${index % 10}-12000${Math.floor(index / 10)}-instant`
  const [from, to] = releases.slice(90, 92)
  const common = { rollback_id: id, target: 'instant', type: 'instant', plan_id: 'plan', from, to, soak_ms: 0 }
  const health = { state: 'down', message: 'it does not answer' }
  const holder = { host: 'bench', pid: 1, user: 'bench' }
  const events = [
    { event: 'begun', format: journalFormat, at, ...common, health, steps: [], accepted: [], notes: [], holder },
    { event: 'ended', at, outcome: 'succeeded', duration_ms: 1000, state: '', remains: [] }
  ]
  await writeFile(join(dir, `${id}.jsonl`), events.map((event) => `${JSON.stringify(event)}\n`).join(''))
}

function callIn(projectDir: string) {
  const project = { projectDir, env: {}, clock: systemClock, log: () => undefined, mask: createMask() }
  const cancelled = new AbortController().signal
  const consent = async () => undefined
  return { project, cancelled, report: () => undefined, consent, group: { consent } }
}

async function assessed(projectDir: string): Promise<number> {
  const call = callIn(projectDir)
  const began = performance.now()
  const answer = answerOf(renderAnyAssessment(await assessRollback.run({}, call)), call.project.mask)
  const ms = performance.now() - began
  if (!answer.ok || !answer.plan) throw new Error(`No assessment: ${answer.summary}`)
  return ms
}

async function reported(projectDir: string): Promise<number> {
  const began = performance.now()
  await writeIncidentTool.run({}, callIn(projectDir))
  return performance.now() - began
}

const numbered = many.toLocaleString('en')
const [long, few] = [await projectWith(many), await projectWith(10)]
for (const [name, measured] of [
  ['assess_rollback', assessed],
  ['write_incident', reported]
] as const) {
  await measured(few)
  const figures = await inTurns(
    [
      { name: `${numbered} records`, run: () => measured(long) },
      { name: '10 records', run: () => measured(few) }
    ],
    rounds
  )
  printRatios(`${name} beyond its target`, 'ms', figures)
  const [ofLong = [], ofFew = []] = [...figures.values()]
  const more = median(ofLong.map((ms, round) => ms - (ofFew[round] ?? Number.NaN)))
  console.log(`  the history of ${numbered} records costs ${more.toFixed(1)} ms more`)
}
await Promise.all([long, few].map((dir) => rm(dir, { recursive: true })))
