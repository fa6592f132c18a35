import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import type { JsonObject } from '../../src/model/json.ts'
import { distFile } from '../../testkit/dist.ts'
import { docker, makeImage } from '../../testkit/docker/images.ts'
import { isHealthy, until } from '../../testkit/docker/world.ts'
import { get } from '../../testkit/get.ts'
import { type Exporter, errorRateQuery, startExporter } from '../../testkit/prometheus/exporter.ts'
import { type Prometheus, startPrometheus } from '../../testkit/prometheus/start-prometheus.ts'
import { commandLine } from '../harness/command-line.ts'
import { describeOn } from '../harness/describe-on.ts'
import { useWorld } from '../harness/use-world.ts'
import { createScene, historyRecord, type Scene } from '../targets/docker/scene.ts'

/** The environment of a CI job that no agent runs. */
const ciEnv = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  DOCKER_HOST: process.env.DOCKER_HOST,
  CI: 'true'
})

describeOn('prometheus', 'signals of a real Prometheus', ({ program = '' }) => {
  describe.skipIf(!inject('backends').docker)('about a real container', () => signalsOf(program))
})

function signalsOf(program: string): void {
  const world = useWorld()
  const open: { close(): Promise<unknown> }[] = []
  let port = 0

  beforeAll(async () => {
    await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0')
  })

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close()
  })

  /** Version 1.2.0 is healthy and answers 8 % of its requests with an error; 1.1.0, which served before, answers none so. */
  async function deployed(): Promise<{ scene: Scene; exporter: Exporter; store: Prometheus; env: NodeJS.ProcessEnv }> {
    await start('1.1.0')
    const exporter = await startExporter(() => get(port, 1000), { '1.2.0': 0.08 })
    open.push(exporter)
    const store = await startPrometheus(program, { scrape: exporter.address })
    open.push({ close: () => store.stop() })
    await until('an error rate of 0', async () => (await store.value(errorRateQuery())) === 0)
    const scene = await createScene(world, {}, [
      historyRecord('1.1.0', 'success', new Date(Date.now() - 60_000).toISOString())
    ])
    open.push(scene)
    const content = await scene.project.deployed()
    const { docker: entry } = content.targets as { docker: JsonObject }
    const signals = [
      {
        name: 'error rate',
        prometheus: { url: store.url, query: errorRateQuery() },
        above: 0.05,
        for: '3s',
        unit: 'ratio'
      }
    ]
    await scene.project.deploy({ ...content, targets: { docker: { ...entry, automatic: true, signals } } })
    await scene.project.commit()
    await docker('rm', '-f', `${world.prefix}-web`)
    await start('1.2.0')
    return { scene, exporter, store, env: ciEnv() }
  }

  async function start(version: string): Promise<void> {
    await world.start('web', version, '-p', `127.0.0.1:${port || 0}:8080`)
    port ||= Number((await docker('port', `${world.prefix}-web`, '8080/tcp')).split(':').at(-1))
    await isHealthy(`${world.prefix}-web`)
  }

  it('watches a healthy version with 8 % errors, rolls it back unattended, proves it by the signal, and reports the outage', async () => {
    const { scene, exporter, env } = await deployed()
    const { code, stdout, stderr } = await commandLine(
      ['watch', '--target', 'docker', '--for', '5m', '--auto', '--json'],
      scene.project.dir,
      env
    )
    const answer = JSON.parse(stdout)
    expect(answer, stderr).toMatchObject({ ok: false, watched: 'unhealthy', outcome: 'succeeded', rolled_back: true })
    expect(code).toBe(1)
    expect(answer.reason).toMatch(/error rate [5-9](\.\d)? % since \d\d:\d\d UTC \(limit 5 %\), 0 % under 1\.1\.0/)
    expect(await get(port)).toBe('1.1.0')
    const { history } = (await scene.project.deployed()) as { history: JsonObject[] }
    expect(history.slice(0, 2)).toMatchObject([
      { version: '1.2.0', status: 'rolled_back', rollback_to: '1.1.0', outcome: 'succeeded' },
      {
        version: '1.2.0',
        status: 'failed',
        digest: expect.stringContaining('sha256:'),
        error: expect.stringContaining('error rate')
      }
    ])
    const report = await readFile(join(scene.project.dir, answer.incident), 'utf8')
    expect(report).toContain('xychart-beta')
    expect(report).toMatch(/Signal "error rate" went over its limit, to \d/)
    const began = /from (\S+) \(signal "error rate"/.exec(report)?.[1] ?? ''
    expect(Math.abs(Date.parse(began) - Date.parse(String(exporter.begunToFail())))).toBeLessThan(10_000)
    const checks = answer.checks as { title: string; status: string }[]
    expect(checks).toContainEqual(expect.objectContaining({ title: 'Signal: error rate', status: 'pass' }))
  })

  it('watches a good version to its end, and records the success with digest and configuration', async () => {
    const { scene, env } = await deployed()
    await docker('rm', '-f', `${world.prefix}-web`)
    await start('1.1.0')
    const { code, stdout } = await commandLine(['watch', '--for', '8s'], scene.project.dir, env)
    expect(stdout).toContain('1.1.0 served well for')
    expect(code).toBe(0)
    const { history } = (await scene.project.deployed()) as { history: JsonObject[] }
    expect(history[0]).toMatchObject({
      version: '1.1.0',
      status: 'success',
      digest: expect.stringContaining('sha256:'),
      snapshot: expect.anything()
    })
  })

  it('goes on with a watch whose process was killed, and records the success once', async () => {
    const { scene, env } = await deployed()
    await docker('rm', '-f', `${world.prefix}-web`)
    await start('1.1.0')
    const record = join(scene.project.dir, '.claude/popkit/watches/docker.json')
    const killed = spawn(process.execPath, [distFile('cli.mjs'), 'watch', '--for', '12s'], {
      cwd: scene.project.dir,
      env
    })
    const watchedMs = await until('a record of six seconds', async () => {
      const { watched_ms: ms } = JSON.parse(await readFile(record, 'utf8')) as { watched_ms: number }
      return ms > 4000 && ms
    })
    killed.kill('SIGKILL')
    const { code, stdout, stderr } = await commandLine(['watch', '--for', '12s'], scene.project.dir, env)
    expect(stderr).toMatch(/Going on with the watch that began at .* UTC: [4-9]s are done\./)
    expect(stdout).toContain('1.1.0 served well for')
    expect(code).toBe(0)
    expect(watchedMs).toBeLessThan(12_000)
    const { history } = (await scene.project.deployed()) as { history: JsonObject[] }
    expect(history.map(({ status }) => status)).toEqual(['success', 'success'])
  })

  it('counts in verify_rollback, and in the assessment that an agent gets', async () => {
    const { scene } = await deployed()
    const server = await scene.serve()
    const assessment = await until('a bad signal', async () => {
      const answer = await server.call('assess_rollback')
      return answer.current.failed && answer
    })
    expect(assessment.summary).toMatch(/^docker: FAILING\. 1\.2\.0: .*; error rate \S+ % since .*, 0 % under 1\.1\.0/)
    expect(assessment.risks.map(({ id }: { id: string }) => id)).not.toContain('current_healthy')
    const verification = await server.call('verify_rollback')
    expect(verification.verdict).toBe('unhealthy')
    expect(verification.summary).toContain('Signal: error rate')
  })

  it('rolls nothing back, and records nothing, when Prometheus is down', async () => {
    const { scene, env, store } = await deployed()
    await store.stop()
    const { stdout } = await commandLine(['assess', '--json'], scene.project.dir, env)
    const assessment = JSON.parse(stdout)
    expect(assessment.current).toMatchObject({ version: '1.2.0', failed: false })
    expect(assessment.summary).toMatch(/The signal "error rate" is unknown: .* does not answer/)
    const auto = await commandLine(['rollback', '--auto', '--json'], scene.project.dir, env)
    expect(auto.code).toBe(6)
    expect(await get(port)).toBe('1.2.0')
  })
}
