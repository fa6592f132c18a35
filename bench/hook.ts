import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const program = join(import.meta.dirname, '../dist/hook.mjs')
const rounds = 25

/** Milliseconds from start to end of the hook, next to a Node that does nothing, in turns. */
const dir = await mkdtemp(join(tmpdir(), 'pop-bench-'))
try {
  await mkdir(join(dir, '.claude/popkit'), { recursive: true })
  for (const records of [10, 10_000]) {
    const history = Array.from({ length: records }, (_, index) => ({
      timestamp: new Date(Date.UTC(2026, 0, 1) - index * 3_600_000).toISOString(),
      target: 'npm',
      version: `1.${records - index}.0`,
      status: index === 0 ? 'failed' : 'success'
    }))
    const file = join(dir, '.claude/popkit/deploy.json')
    await writeFile(file, JSON.stringify({ targets: { npm: {} }, history }, null, 2))
    // one that was written just now is read after every command
    await utimes(file, new Date(0), new Date(0))
    const times = { 'node -e 0': [], 'other command': [], 'failed deploy': [] } as Record<string, number[]>
    for (let round = 0; round < rounds; round++) {
      times['node -e 0']?.push(timed(['-e', '0'], ''))
      times['other command']?.push(timed([program], event('ls', round)))
      times['failed deploy']?.push(timed([program], event('npm publish', round)))
    }
    console.log(`${records} records of history, ${rounds} rounds: median and slowest, ms`)
    for (const [what, list] of Object.entries(times)) {
      const sorted = list.sort((a, b) => a - b)
      console.log(`  ${what.padEnd(14)} ${sorted[rounds >> 1]?.toFixed(0)}  ${sorted.at(-1)?.toFixed(0)}`)
    }
  }
} finally {
  await rm(dir, { recursive: true, force: true })
}

function timed(args: string[], input: string): number {
  const begun = performance.now()
  const env = { PATH: process.env.PATH, CLAUDE_PROJECT_DIR: dir, CLAUDE_PLUGIN_DATA: join(dir, 'data') }
  spawnSync(process.execPath, args, { input, env })
  return performance.now() - begun
}

function event(command: string, round: number): string {
  return JSON.stringify({
    session_id: `bench-${round}`,
    cwd: dir,
    hook_event_name: 'PostToolUseFailure',
    tool_name: 'Bash',
    tool_input: { command },
    error: 'Exit code 1'
  })
}
