import { runProgram } from '../support/run-program.ts'
import { oneLine } from '../support/text.ts'

export interface Commit {
  hash: string
  /** ISO 8601 UTC. */
  at: string
  author: string
  subject: string
}

/** What a commit range did to one file. */
export interface ChangedFile {
  path: string
  change: 'added' | 'modified' | 'deleted'
}

/** A list that may have been cut. */
export interface Capped<Item> {
  items: Item[]
  /** More than these exist. */
  more: boolean
}

const timeoutMs = 10_000
const maxBytes = 32 * 1024 * 1024

/**
 * Runs git with an argument vector and gives its output; null when it fails, is not installed, or takes too long. Nothing that a
 * repository's configuration names is run, nothing is fetched, and no variable points it at another repository.
 */
export async function git(dir: string, args: readonly string[], signal?: AbortSignal): Promise<string | null> {
  const options = ['--no-pager', '-c', 'core.fsmonitor=false', '-c', 'core.quotePath=false']
  const limits = { limitMs: timeoutMs, maxOutput: maxBytes, ...(signal && { signal }) }
  const call = { cwd: dir, env: process.env, variables: quiet, ...limits }
  const result = await runProgram('git', [...options, ...args], call).catch(() => null)
  return result?.ok ? result.stdout : null
}

/** Git before 2.45 does not know GIT_NO_LAZY_FETCH, but fetches nothing by a protocol that is not allowed. */
const quiet = {
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: 'none',
  LC_ALL: 'C'
}

/** The full hash of a commit named by its hash, or by 7 digits of it or more; null when it is not in the repository. */
export async function commitExists(dir: string, hash: string, signal?: AbortSignal): Promise<string | null> {
  if (!/^[0-9a-f]{7,64}$/i.test(hash)) return null
  return commitOf(dir, hash, signal)
}

/** The commit that a version's tag names, written v1.2.0 or 1.2.0; null when there is none. */
export async function commitOfVersion(dir: string, version: string, signal?: AbortSignal): Promise<string | null> {
  if (!/^[A-Za-z0-9][\w.+-]{0,127}$/.test(version) || /\.\.|\.$|\.lock$/.test(version)) return null
  const bare = version.replace(/^v(?=\d)/, '')
  for (const tag of new Set([version, `v${bare}`, bare])) {
    const commit = await commitOf(dir, `refs/tags/${tag}`, signal)
    if (commit) return commit
  }
  return null
}

/**
 * The commits that lead from one commit to another, newest first: those of `to` that `from` has not. null when git cannot tell,
 * for example because a shallow clone lacks them.
 */
export async function commitsBetween(
  dir: string,
  from: string,
  to: string,
  { max = 50, signal }: { max?: number; signal?: AbortSignal } = {}
): Promise<Capped<Commit> | null> {
  const range = await rangeOf(dir, from, to, signal)
  if (!range) return null
  const format = '--format=%H%x1f%ct%x1f%an%x1f%s'
  const flags = ['--no-show-signature', '--no-color', '-z', `--max-count=${max + 1}`, format]
  const log = await git(dir, ['log', ...flags, `${range.from}..${range.to}`, '--'], signal)
  if (log === null) return null
  const commits = log.split('\0').filter(Boolean).map(commitFrom)
  return { items: commits.slice(0, max), more: commits.length > max }
}

/** The files in which the trees of two commits differ; null when git cannot tell. */
export async function filesChanged(
  dir: string,
  from: string,
  to: string,
  { max = 200_000, signal }: { max?: number; signal?: AbortSignal } = {}
): Promise<Capped<ChangedFile> | null> {
  const range = await rangeOf(dir, from, to, signal)
  if (!range) return null
  const flags = ['-r', '-z', '--name-status', '--no-renames']
  const diff = await git(dir, ['diff-tree', ...flags, range.from, range.to, '--'], signal)
  if (diff === null) return null
  const fields = diff.split('\0')
  const files: ChangedFile[] = []
  for (let at = 0; at + 1 < fields.length; at += 2)
    files.push({ path: fields[at + 1] ?? '', change: changes[fields[at] ?? ''] ?? 'modified' })
  return { items: files.slice(0, max), more: files.length > max }
}

const changes: Record<string, ChangedFile['change']> = { A: 'added', D: 'deleted' }

async function rangeOf(
  dir: string,
  from: string,
  to: string,
  signal?: AbortSignal
): Promise<{ from: string; to: string } | null> {
  const [older, newer] = await Promise.all([commitExists(dir, from, signal), commitExists(dir, to, signal)])
  return older && newer ? { from: older, to: newer } : null
}

async function commitOf(dir: string, name: string, signal?: AbortSignal): Promise<string | null> {
  const found = await git(dir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`], signal)
  return found?.trim() || null
}

function commitFrom(line: string): Commit {
  const [hash = '', seconds = '', author = '', subject = ''] = line.split('\x1f')
  return {
    hash,
    at: new Date(Number(seconds) * 1000).toISOString(),
    author: oneLine(author, 80),
    subject: oneLine(subject, 120)
  }
}
