import { utcInstant } from '../project/timestamp.ts'
import { readTextSync } from '../support/read-text.ts'
import { type Json, object, text } from './event.ts'
import type { SessionMemory } from './session-memory.ts'

/** A deploy command that was seen to fail. */
export interface Failure {
  label: string
  /** Types of the targets it may have deployed to, empty when any. */
  types: string[]
  /** Often no deployment at all. */
  weak: boolean
  how: 'exited' | 'within' | 'hidden' | 'background'
  /** Null when it is not known. */
  exitCode?: number | null
}

interface Circumstances {
  deployFile: string
  now: Date
  memory: SessionMemory
  /** deploy.json was written since; a record of a failure in it counts too. */
  recordsSince: Date | null
}

export const sayable = /^[\w][\w.+:@/-]{0,99}$/

/** One line of plain fact about the failure, with the last good version and the command; null when nothing new is to be said. */
export function noticeOf(failure: Failure | null, around: Circumstances): string | null {
  const file = readDeployRecords(around.deployFile)
  const record = around.recordsSince ? freshFailure(file, around.recordsSince) : null
  if (record) {
    const first = around.memory.firstTime(`record\n${record.target} ${record.version} ${record.at}`)
    if (!failure && first)
      return line(`deploy.json records at ${hour(new Date(record.at))} that ${of(record)} failed`, record.target, file)
  }
  if (!failure || (failure.weak && !file)) return null
  const target = targetOf(failure, file)
  const good = target ? lastGood(file?.records ?? [], target) : null
  if (!around.memory.firstTime(`${failure.label}\n${target} ${good} ${lastChange(file, target)}`)) return null
  return line(`${what(failure)} at ${hour(around.now)}`, target, file)
}

const of = ({ target, version }: DeployRecord): string => (sayable.test(version) ? `${target} ${version}` : target)

/** When something was last brought to serve, or rolled back: a failure after that is another one. */
const lastChange = (file: DeployRecords | null, target: string): string =>
  file?.records.find((record) => record.target === target && record.status !== 'failed')?.at ?? ''

function freshFailure(file: DeployRecords | null, since: Date): DeployRecord | null {
  const newest = file?.records[0]
  return newest?.status === 'failed' && newest.at >= since.toISOString() && sayable.test(newest.target) ? newest : null
}

/** The target of deploy.json that the command most likely deployed to. */
function targetOf({ types }: Failure, file: DeployRecords | null): string {
  const listed = (file?.targets ?? []).filter(
    ({ type, name }) => types.length === 0 || types.includes(type) || types.includes(name)
  )
  const chosen = listed.find(({ primary }) => primary) ?? listed.find(({ enabled }) => enabled) ?? listed[0]
  return chosen && sayable.test(chosen.name) ? chosen.name : (types[0] ?? '')
}

function what({ label, how, exitCode }: Failure): string {
  if (how === 'exited') return `\`${label}\` exited ${exitCode}`
  if (how === 'within') return `a command line with \`${label}\` exited ${exitCode}`
  if (how === 'background')
    return `\`${label}\` in the background ${exitCode == null ? 'failed' : `exited ${exitCode}`}`
  return `the output of \`${label}\` shows a failure that its command line hides, seen`
}

function line(event: string, target: string, file: DeployRecords | null): string {
  const good = target ? lastGood(file?.records ?? [], target) : null
  const command = `/popkit-ops:deploy rollback${target && (file?.targets.length ?? 0) > 1 ? ` --target ${target}` : ''}`
  if (good && sayable.test(good))
    return `${event}; the last good version of ${target} is ${good}; ${command} can return to it.${watching}`
  return `${event}; no good version${target && ` of ${target}`} is recorded; ${command} can look for one.${watching}`
}

/** A command that did not fail says little of what it deployed. */
const watching = ' `pop-deploy-rollback watch` follows the next deployment.'

const hour = (at: Date): string => `${at.toISOString().slice(11, 16)} UTC`

/**
 * The version of a target that last worked, as far as the history tells: the newest success, or the end of a proven rollback, that
 * nothing newer speaks against. Takes the records newest first. The assessment asks the target itself; this only names a version.
 */
function lastGood(records: readonly DeployRecord[], target: string): string | null {
  const bad = new Set<string>()
  for (const { target: of, version, status, rollbackTo, outcome } of records) {
    if (of !== target) continue
    const good = status === 'success' ? version : outcome === 'succeeded' ? rollbackTo : ''
    if (good && !bad.has(good)) return good
    if (status === 'failed' || status === 'rolled_back') bad.add(version)
  }
  return null
}

/** What this program needs of a record in deploy.json's history. */
export interface DeployRecord {
  at: string
  target: string
  version: string
  status: string
  rollbackTo: string
  outcome: string
}

export interface ListedTarget {
  name: string
  type: string
  enabled: boolean
  primary: boolean
}

export interface DeployRecords {
  targets: ListedTarget[]
  /** Newest first. */
  records: DeployRecord[]
}

const maxBytes = 64 * 1024 * 1024

/**
 * The least of deploy.json that names a version; null when there is no file. The server reads it with schemas and says what is wrong
 * with it; loading those takes longer than a hook may take. @throws what the file system or JSON throws.
 */
export function readDeployRecords(path: string): DeployRecords | null {
  const file = readDeployFileLightly(path)
  if (file.isEmpty) return null
  const { targets } = file
  const records = (Array.isArray(file.history) ? file.history : []).flatMap((raw) => record(object(raw)))
  return { targets, records: records.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)) }
}

/** Its parts as they are written, and the targets. @throws what the file system or JSON throws. */
export function readDeployFileLightly(path: string) {
  const file = object(JSON.parse(content(path)?.replace(/^\ufeff/, '') ?? 'null'))
  const targets = Object.entries(object(file.targets)).map(([name, value]) => listed(name, object(value)))
  return { isEmpty: Object.keys(file).length === 0, targets, history: file.history, frozen: file.frozen }
}

const listed = (name: string, { type, enabled, primary }: Json): ListedTarget => ({
  name,
  type: text(type) || name,
  enabled: enabled !== false,
  primary: primary === true
})

function record(raw: Json): DeployRecord[] {
  const at = utcInstant(text(raw.timestamp))
  const [target, version, status] = [text(raw.target), text(raw.version), text(raw.status)]
  if (!at || !target || !version) return []
  return [{ at, target, version, status, rollbackTo: text(raw.rollback_to), outcome: text(raw.outcome) }]
}

function content(path: string): string | null {
  try {
    return readTextSync(path, maxBytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
