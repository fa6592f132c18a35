import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readDeployFile } from '../src/project/deploy-file.ts'
import { historyOf } from '../src/project/history.ts'
import { projectPaths } from '../src/project/paths.ts'
import { rankCandidates, recommend } from '../src/rollback/candidates.ts'
import { median } from './support/turns.ts'

/** What an assessment costs beyond the target: reading deploy.json and ranking, with a long history and with none. */
const rounds = Number(process.argv[2] ?? 15)
const releases = Array.from({ length: 100 }, (_, index) => ({
  version: `1.${index}.0`,
  id: `sha256:${index}`,
  available: { state: 'yes' as const }
}))

const records = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    timestamp: new Date(Date.UTC(2026, 0, 1) - index * 3_600_000).toISOString().replace('Z', ''),
    target: index % 3 === 0 ? 'npm' : 'docker',
    version: `1.${index % 100}.0`,
    status: index % 7 === 0 ? 'failed' : 'success',
    commit_sha: 'a'.repeat(40),
    duration_ms: 60_000,
    error: null,
    rollback_to: null
  }))

async function projectWith(count: number): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'pop-bench-'))
  await mkdir(join(dir, '.claude/popkit'), { recursive: true })
  const content = { version: '1.0', targets: { docker: { enabled: true, config: {} } }, history: records(count) }
  await writeFile(projectPaths(dir).deployFile, JSON.stringify(content, null, 2))
  return dir
}

async function assessed(dir: string): Promise<number> {
  const began = performance.now()
  const history = historyOf(await readDeployFile(projectPaths(dir), {}), 'docker')
  const [current = null, ...others] = releases
  recommend(current, rankCandidates(current, others, { history, formerRollbacks: [], now: new Date().toISOString() }))
  return performance.now() - began
}

const [long, none] = [await projectWith(10_000), await projectWith(0)]
const figures = { long: [] as number[], none: [] as number[] }
for (let round = 0; round < rounds; round++) {
  figures.long.push(await assessed(long))
  figures.none.push(await assessed(none))
}
console.log(`10,000 records: first ${figures.long[0]?.toFixed(1)} ms, median ${median(figures.long).toFixed(1)} ms`)
console.log(`no record:      first ${figures.none[0]?.toFixed(1)} ms, median ${median(figures.none).toFixed(1)} ms`)
await Promise.all([long, none].map((dir) => rm(dir, { recursive: true })))
