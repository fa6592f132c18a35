import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { appendHistory } from '../../src/project/append-history.ts'
import { readDeployFile } from '../../src/project/deploy-file.ts'
import { acquireFileLock } from '../../src/project/file-lock.ts'
import { historyOf } from '../../src/project/history.ts'
import { type ProjectPaths, projectPaths } from '../../src/project/paths.ts'
import { popkitFile } from './fixtures.ts'
import { bundleProgram, type Program } from './program.ts'

describe('appendHistory', () => {
  let paths: ProjectPaths
  let program: Program
  beforeAll(async () => {
    program = await bundleProgram('append')
  })
  afterAll(() => program.remove())
  beforeEach(() => {
    paths = projectPaths(realpathSync(mkdtempSync(join(tmpdir(), 'pop-append-'))))
    mkdirSync(dirname(paths.deployFile), { recursive: true })
  })
  afterEach(() => rmSync(paths.projectDir, { recursive: true, force: true }))

  const record = { at: '2026-03-18T14:35:00.000Z', target: 'docker', version: '1.1.0', status: 'rolled_back' }
  const content = (): string => readFileSync(paths.deployFile, 'utf8')
  const versions = (): string[] => JSON.parse(content()).history.map((entry: { version: string }) => entry.version)
  const beside = (): string[] => readdirSync(dirname(paths.deployFile))

  it('round-trips a record with all its fields', async () => {
    const full = {
      ...record,
      commit: 'abc1234',
      durationMs: 25_000,
      error: 'näh',
      rollbackTo: '1.0.0',
      digest: 'sha256:0',
      rollbackToDigest: 'sha256:9',
      rollbackId: 'rb-1',
      outcome: 'succeeded',
      snapshot: { env: { A: 'sha256:1' } }
    }
    expect(await appendHistory(paths, full)).toBe(paths.deployFile)
    const file = await readDeployFile(paths, {})
    expect(historyOf(file, 'docker')).toEqual([full])
    expect(Object.keys(JSON.parse(content()).history[0]).slice(0, 8)).toEqual([
      'timestamp',
      'target',
      'version',
      'status',
      'commit_sha',
      'duration_ms',
      'error',
      'rollback_to'
    ])
  })

  it('keeps all that stood in the file, unknown fields and unreadable records too', async () => {
    const before = { ...popkitFile, mine: { a: [1, null] }, history: ['odd', ...popkitFile.history, { x: 1 }] }
    writeFileSync(paths.deployFile, `\uFEFF${JSON.stringify(before, null, '\t')}\r\n`)
    await appendHistory(paths, record)
    expect(content().startsWith('\uFEFF{\n\t"version"')).toBe(true)
    expect(content().endsWith('}\r\n')).toBe(true)
    const after = JSON.parse(content().slice(1))
    expect(after).toEqual({ ...before, history: [expect.objectContaining({ version: '1.1.0' }), ...before.history] })
    expect(beside()).toEqual(['deploy.json'])
  })

  it('makes a minimal file, folder included, where there is none', async () => {
    rmSync(join(paths.projectDir, '.claude'), { recursive: true })
    await appendHistory(paths, record)
    expect(JSON.parse(content())).toMatchObject({ version: '1.0', history: [{ version: '1.1.0' }] })
    expect(content().endsWith('}\n')).toBe(true)
  })

  it('keeps mode and symbolic link', async () => {
    const real = join(paths.projectDir, 'real.json')
    writeFileSync(real, '{}')
    chmodSync(real, 0o640)
    symlinkSync('../../real.json', paths.deployFile)
    await appendHistory(paths, record)
    expect(realpathSync(paths.deployFile)).toBe(real)
    expect(statSync(real).mode & 0o777).toBe(0o640)
    expect(versions()).toEqual(['1.1.0'])
    expect(existsSync(`${real}.lock`)).toBe(false)
  })

  it('writes where CLAUDE_PLUGIN_DATA has the file, when the project has none', async () => {
    const elsewhere = join(paths.projectDir, 'data')
    mkdirSync(elsewhere)
    writeFileSync(join(elsewhere, 'deploy.json'), '{}')
    const written = await appendHistory(paths, record, { env: { CLAUDE_PLUGIN_DATA: elsewhere } })
    expect(written).toBe(join(elsewhere, 'deploy.json'))
    expect(existsSync(paths.deployFile)).toBe(false)
  })

  it.each(['{"history": [1, 2}', '{"history": {}}', '[]', 'null', ''])(
    'leaves a broken file alone: %j',
    async (broken) => {
      writeFileSync(paths.deployFile, broken)
      await expect(appendHistory(paths, record)).rejects.toMatchObject({ fault: 'config', code: 'deploy_file_broken' })
      expect(content()).toBe(broken)
      expect(beside()).toEqual(['deploy.json'])
    }
  )

  it('says why when the place cannot be written', async () => {
    rmSync(join(paths.projectDir, '.claude'), { recursive: true })
    writeFileSync(join(paths.projectDir, '.claude'), '')
    await expect(appendHistory(paths, record)).rejects.toMatchObject({ fault: 'config', code: 'history_not_written' })
  })

  it('waits while another process writes', async () => {
    const lock = await acquireFileLock(`${paths.deployFile}.lock`, { purpose: 'testing', waitMs: 0 })
    const appending = appendHistory(paths, record)
    await wait(300)
    expect(existsSync(paths.deployFile)).toBe(false)
    await lock.release()
    await appending
    expect(versions()).toEqual(['1.1.0'])
  })

  it('loses nothing of twenty processes that append at once', async () => {
    writeFileSync(paths.deployFile, JSON.stringify(popkitFile, null, 2))
    const labels = Array.from({ length: 20 }, (_, n) => `p${n}`)
    await Promise.all(labels.map((label) => program.run([paths.projectDir, label, '3'])))
    const expected = labels.flatMap((label) => [`${label}-0`, `${label}-1`, `${label}-2`])
    expect(versions().slice(0, 60).sort()).toEqual(expected.sort())
    expect(versions().slice(60)).toEqual(['1.2.0', '1.1.0'])
    expect(beside()).toEqual(['deploy.json'])
  })

  it('loses nothing of a writer that takes no lock and replaces the file meanwhile', { timeout: 240_000 }, async () => {
    const { deployFile } = paths
    const written = 10
    writeFileSync(deployFile, JSON.stringify({ history: [], filler: 'x'.repeat(1_000_000) }))
    const ours = program.run([paths.projectDir, 'ours', '12'])
    // as often as it can, but not for ever: on a busy machine one that never pauses would leave ours no moment to write
    for (let count = 0; count < written; count++) {
      const data = JSON.parse(readFileSync(deployFile, 'utf8'))
      data.history.unshift({ timestamp: '2026-01-01T00:00:00', target: 'npm', version: `theirs-${count}` })
      writeFileSync(`${deployFile}.theirs`, JSON.stringify(data))
      renameSync(`${deployFile}.theirs`, deployFile)
      await wait(100 + Math.random() * 200)
    }
    await ours
    // what the other one overwrites between its own reading and writing is beyond us, but nothing of it may be lost
    expect(versions().filter((version) => version.startsWith('theirs'))).toHaveLength(written)
  })

  it('leaves a whole file with every reported record when it is killed in the middle, again and again', async () => {
    writeFileSync(paths.deployFile, JSON.stringify({ ...popkitFile, filler: 'x'.repeat(200_000) }, null, 2))
    const reported: string[] = []
    for (let round = 0; round < 8; round++) {
      const child = program.start([paths.projectDir, `r${round}`, '1000'])
      const exited = once(child, 'exit')
      let output = ''
      child.stdout?.on('data', (chunk) => {
        output += chunk
      })
      await once(child.stdout ?? child, 'data')
      await wait(Math.random() * 60)
      child.kill('SIGKILL')
      await exited
      reported.push(...output.split('\n').slice(0, -1))
      const there = new Set(versions())
      expect(reported.filter((version) => !there.has(version))).toEqual([])
    }
    await appendHistory(paths, record)
    expect(versions()[0]).toBe('1.1.0')
    expect(versions().slice(-2)).toEqual(['1.2.0', '1.1.0'])
    expect(existsSync(`${paths.deployFile}.lock`)).toBe(false)
  })

  it('sweeps up what killed writers left, and nothing else', async () => {
    writeFileSync(paths.deployFile, '{}')
    const old = ['deploy.json.12-0123456789ab.tmp', 'deploy.json.bak', 'other.json.12-0123456789ab.tmp']
    const young = 'deploy.json.13-0123456789ab.tmp'
    for (const name of [...old, young]) writeFileSync(join(dirname(paths.deployFile), name), '')
    for (const name of old) utimesSync(join(dirname(paths.deployFile), name), 1, 1)
    await appendHistory(paths, record)
    expect(beside().sort()).toEqual(['deploy.json', young, ...old.slice(1)].sort())
  })

  it('stops waiting when it is told to', async () => {
    await expect(appendHistory(paths, record, { signal: AbortSignal.abort() })).rejects.toThrow(/aborted/)
    expect(existsSync(paths.deployFile)).toBe(false)
  })
})
