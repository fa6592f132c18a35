import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fetchHistory, type HistoryBranch, pushHistory } from '../../src/action/history-branch.ts'

const run = promisify(execFile)
const branchName = 'deploy-history'

let dir: string
let origin: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pop-history-'))
  origin = join(dir, 'origin.git')
  await run('git', ['init', '-q', '--bare', origin])
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** A clone on a machine of its own, with this deploy.json. */
async function machine(name: string, deployed: object): Promise<HistoryBranch> {
  const projectDir = join(dir, name)
  const popkit = join(projectDir, '.claude/popkit')
  await run('git', ['clone', '-q', origin, projectDir])
  await mkdir(popkit, { recursive: true })
  await writeFile(join(popkit, 'deploy.json'), JSON.stringify(deployed))
  return { projectDir, popkit, name: branchName, message: name, folder: join(dir, `${name}-folder`) }
}

const read = async ({ popkit }: HistoryBranch) => JSON.parse(await readFile(join(popkit, 'deploy.json'), 'utf8'))

test('the history of one machine is there on the next, beside a new configuration', async () => {
  const first = await machine('first', { targets: { web: {} }, history: [] })
  await fetchHistory(first)
  await writeFile(join(first.popkit, 'deploy.json'), JSON.stringify({ targets: {}, history: [{ version: '1' }] }))
  await mkdir(join(first.popkit, 'rollbacks'))
  await writeFile(join(first.popkit, 'rollbacks/rb-1.jsonl'), '{}\n')
  await writeFile(join(first.popkit, 'rollbacks/web.lock'), 'held')
  await pushHistory(first.folder)

  const second = await machine('second', { targets: { web: { config: 'new' } }, history: [] })
  await fetchHistory(second)
  expect(await read(second)).toEqual({ targets: { web: { config: 'new' } }, history: [{ version: '1' }] })
  expect(await readFile(join(second.popkit, 'rollbacks/rb-1.jsonl'), 'utf8')).toBe('{}\n')
  await expect(readFile(join(second.popkit, 'rollbacks/web.lock'))).rejects.toThrow('ENOENT')
})

test('what another machine pushed in the meantime is not overwritten', async () => {
  const [ours, theirs] = [await machine('ours', { history: [] }), await machine('theirs', { history: ['theirs'] })]
  await fetchHistory(ours)
  await pushAs(ours, [])
  await fetchHistory(ours)
  await fetchHistory(theirs)
  await pushAs(theirs, ['theirs'])
  await expect(pushAs(ours, ['ours'])).rejects.toThrow(/git push failed: .*(rejected|fetch first)/s)
  expect(JSON.parse((await run('git', ['-C', origin, 'show', `${branchName}:history.json`])).stdout)).toEqual([
    'theirs'
  ])
})

test('without a history that was fetched there is nothing to push', async () => {
  await pushHistory(join(dir, 'never'))
  expect((await run('git', ['-C', origin, 'branch', '--list'])).stdout).toBe('')
})

async function pushAs(branch: HistoryBranch, history: string[]): Promise<void> {
  await writeFile(join(branch.popkit, 'deploy.json'), JSON.stringify({ history }))
  await pushHistory(branch.folder)
}
