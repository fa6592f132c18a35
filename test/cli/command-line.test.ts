import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { version } from '../../src/version.ts'
import { packumentOf } from '../../testkit/npm/registry.ts'
import { testProject } from '../../testkit/project.ts'
import { type Answer, answering, commandLine, confirming, onTerminal } from '../harness/command-line.ts'
import { describeOn } from '../harness/describe-on.ts'
import { type Deployment, deployment } from '../targets/npm/deployment.ts'
import { bench } from '../targets/npm/package-fixture.ts'

test('without words the commands and exit codes are listed', async () => {
  const { code, stdout } = await commandLine([], process.cwd(), { PATH: process.env.PATH })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^ {2}rollback +shows the plan/m)
  expect(stdout).toContain('Exit codes')
})

test('help and version are answered in every spelling, as JSON too', async () => {
  const run = (...args: string[]) => commandLine(args, process.cwd(), { PATH: process.env.PATH })
  for (const args of [['help'], ['--help'], ['-h'], ['rollback', '--help']])
    expect(await run(...args)).toMatchObject({ code: 0, stdout: expect.stringContaining('Exit codes') })
  expect(JSON.parse((await run('--help', '--json')).stdout)).toMatchObject({
    ok: true,
    summary: expect.stringContaining('Exit codes')
  })
  expect(await run('--version')).toMatchObject({ code: 0, stdout: `${version}\n` })
  expect(JSON.parse((await run('--version', '--json')).stdout)).toMatchObject({ ok: true, version })
})

test('what is no command, no option or no number is the caller’s fault', async () => {
  const project = await testProject()
  const env = { PATH: process.env.PATH }
  for (const args of [['explode'], ['verify', '--soak', 'long'], ['assess', '--target'], ['--no-such']]) {
    const { code, stdout } = await commandLine(args, project.dir, env)
    expect({ args, code }).toEqual({ args, code: 2 })
    expect(stdout).toContain('Run pop-deploy-rollback --help')
  }
  await project.remove()
})

test('a broken deploy.json is a fault of configuration, with line and column', async () => {
  const project = await testProject({ version: '1.0' })
  await writeFile(project.deployFile, '{\n  "version": "1.0",\n  "targets": {,}\n}')
  const { code, stdout } = await commandLine(['assess', '--json'], project.dir, { PATH: process.env.PATH })
  expect(code).toBe(3)
  expect(JSON.parse(stdout).error).toMatchObject({ fault: 'config', why: expect.stringContaining('line 3') })
  await project.remove()
})

test('record --rollback takes the id of a rollback and nothing that it says already', async () => {
  const project = await testProject({ version: '1.0' })
  const env = { PATH: process.env.PATH }
  const id = 'rb-20260318-143500-npm'
  const record = async (...more: string[]) => {
    const { code, stdout } = await commandLine(['record', '--json', '--rollback', ...more], project.dir, env)
    return { code, error: JSON.parse(stdout).error.code }
  }
  expect(await record('../../deploy')).toEqual({ code: 2, error: 'usage' })
  expect(await record(id, '--version', '1.1.0')).toEqual({ code: 2, error: 'usage' })
  expect(await record(id)).toEqual({ code: 2, error: 'unknown_rollback' })
  await project.remove()
})

describeOn('npm', 'the command line on a real registry', (backend) => {
  const project = bench(backend)
  afterEach(() => project.cleanUp())

  const deployed = async () => {
    const it = await deployment(project, [])
    const env = { ...it.made.env, POP_NPM_TOKEN: it.token }
    const latest = async () => (await packumentOf(backend.url ?? '', it.made.name)).tags.latest
    const run = (...args: string[]) => commandLine(args, it.made.dir, env)
    return { it, env, latest, run }
  }
  const deployFileOf = ({ made }: Deployment) => join(made.dir, '.claude/popkit/deploy.json')

  test('status, list and assess tell what serves and what is good, and change nothing', async () => {
    const { run, latest } = await deployed()
    expect(await run('status')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('npm: FAILED. 1.2.0: recorded as failed')
    })
    expect((await run('list')).stdout).toContain('+ 1.1.0')
    const assessed = JSON.parse((await run('assess', '--json')).stdout)
    expect(assessed).toMatchObject({ ok: true, recommended: { version: '1.1.0' } })
    expect(await latest()).toBe('1.2.0')
  })

  test('status ends with 0 when all is well, and with the fault of a target that cannot be asked', async () => {
    const { it, run } = await deployed()
    const deployFile = JSON.parse(await readFile(deployFileOf(it), 'utf8'))
    await writeFile(deployFileOf(it), JSON.stringify({ ...deployFile, history: [] }))
    expect(await run('status')).toMatchObject({ code: 0, stdout: expect.stringContaining('npm: healthy. 1.2.0: ') })
    deployFile.targets.odd = { type: 'abacus' }
    await writeFile(deployFileOf(it), JSON.stringify({ ...deployFile, history: [] }))
    const odd = await run('status', '--json')
    expect(odd.code).toBe(3)
    expect(JSON.parse(odd.stdout)).toMatchObject({ ok: false, error: { code: 'unknown_type' } })
  })

  test('list says how many candidates it leaves out', async () => {
    const { it, run } = await deployed()
    for (let patch = 1; patch <= 9; patch++) await it.made.publish(`1.1.${patch}`)
    await it.made.publish('1.2.1')
    const { stdout } = await run('list')
    expect(stdout).toMatch(/and \d+ more/)
    const { candidates, candidates_left_out: leftOut } = JSON.parse((await run('list', '--json')).stdout)
    expect(candidates).toHaveLength(8)
    expect(leftOut).toBeGreaterThan(0)
  })

  test('without a plan a rollback is not possible as asked: exit code 2, and the reason once', async () => {
    const { it, run, latest } = await deployed()
    const deployFile = JSON.parse(await readFile(deployFileOf(it), 'utf8'))
    const timestamp = new Date().toISOString()
    const history = (deployFile.history as Data[]).map((record) => ({ ...record, status: 'failed', timestamp }))
    await writeFile(deployFileOf(it), JSON.stringify({ ...deployFile, history }))
    const { code, stdout } = await run('rollback')
    expect({ code, stdout }).toMatchObject({ code: 2, stdout: expect.stringContaining('cannot be rolled back now') })
    expect(stdout).not.toContain('Rollback assessment')
    const json = await run('rollback', '--json')
    expect(json.code).toBe(2)
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, plan: null, error: { code: 'no_plan' } })
    expect(await latest()).toBe('1.2.0')
  })

  test('without a terminal a rollback is refused, and nothing happens', async () => {
    const { run, latest } = await deployed()
    const { code, stdout } = await run('rollback')
    expect(code).toBe(2)
    expect(stdout).toContain('This rollback needs a confirmation')
    expect(await latest()).toBe('1.2.0')
  })

  test('under an agent host a rollback is refused, terminal or not', async () => {
    const { it, env, latest } = await deployed()
    const { code, stdout } = await answering(['rollback'], it.made.dir, { ...env, CLAUDECODE: '' }, [confirming])
    expect(code).toBe(2)
    expect(stdout).toContain('does not roll back in an agent')
    expect(await latest()).toBe('1.2.0')
  })

  test('on a terminal the plan is shown, and yes carries it out', async () => {
    const { it, env, latest } = await deployed()
    const { code, stdout } = await answering(['rollback'], it.made.dir, env, [confirming])
    expect(stdout).toMatch(
      /Roll back npm from 1\.2\.0 to 1\.1\.0\? This will revert the deployment\. Type \d{4} to confirm:/
    )
    expect(stdout).toContain('ROLLBACK SUCCESS')
    expect(code).toBe(0)
    expect(await latest()).toBe('1.1.0')
  })

  test.each(['\n', 'y\n', 'yes\ny\ny\n'])(
    'what was typed before the question does not answer it: %j',
    async (typed) => {
      const { it, env, latest } = await deployed()
      const { code, stdout } = await onTerminal(['rollback'], it.made.dir, env, typed)
      expect(code).toBe(2)
      expect(stdout).toContain('Not rolled back')
      expect(await latest()).toBe('1.2.0')
    }
  )

  describe('in the list of versions on a terminal with columns', () => {
    const columns = 100
    const withAnother = async () => {
      const scene = await deployed()
      await scene.it.made.publish('1.0.0', { tag: 'old' })
      return scene
    }

    test('Enter takes the recommended one', async () => {
      const { it, env, latest } = await withAnother()
      const enter: Answer[] = [[/which version\?[\s\S]*\(recommended\)/, '\r'], confirming]
      expect(await answering(['rollback'], it.made.dir, env, enter, columns)).toMatchObject({ code: 0 })
      expect(await latest()).toBe('1.1.0')
    })

    test('another one is taken with the arrow keys, and planned', async () => {
      const { it, env } = await withAnother()
      const down: Answer[] = [[/which version\?[\s\S]*1\.0\.0/, '\u001b[B\r']]
      const { stdout } = await answering(['rollback', '--dry-run'], it.made.dir, env, down, columns)
      expect(stdout).toContain('1.0.0, as asked (recommended is 1.1.0)')
      expect(stdout).toContain('Rollback to: 1.0.0')
    })

    test.each([
      ['Ctrl-C', '\u0003'],
      ['Escape', '\u001b']
    ])('%s is a no', async (_, keys) => {
      const { it, env, latest } = await withAnother()
      const { code, stdout } = await answering(['rollback'], it.made.dir, env, [[/which version\?/, keys]], columns)
      expect(stdout).toContain('Not rolled back')
      expect(code).toBe(2)
      expect(await latest()).toBe('1.2.0')
    })
  })

  test.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004']
  ])('%s at the question is a no', async (_, keys) => {
    const { it, env, latest } = await deployed()
    const { code, stdout } = await answering(['rollback'], it.made.dir, env, [['to confirm:', keys]])
    expect(stdout).toContain('Not rolled back')
    expect(stdout).not.toContain('fault of this program')
    expect(code).toBe(2)
    expect(await latest()).toBe('1.2.0')
  })

  test('with --json a person on a terminal is shown the plan before they are asked', async () => {
    const { it, env } = await deployed()
    const { stdout } = await answering(['rollback', '--json'], it.made.dir, env, [['to confirm:', 'n\n']])
    expect(stdout.indexOf('steps ')).toBeGreaterThanOrEqual(0)
    expect(stdout.indexOf('steps ')).toBeLessThan(stdout.indexOf('to confirm:'))
  })

  test('a dry run needs nobody and changes nothing', async () => {
    const { run, latest } = await deployed()
    expect(await run('rollback', '--dry-run')).toMatchObject({ code: 0, stdout: expect.stringContaining('DRY RUN') })
    expect(await latest()).toBe('1.2.0')
  })

  test('--auto does nothing without a committed automatic: true, and says so', async () => {
    const { it, run, latest } = await deployed()
    const deployFile = JSON.parse(await readFile(deployFileOf(it), 'utf8'))
    deployFile.targets.npm.automatic = true
    await writeFile(deployFileOf(it), JSON.stringify(deployFile))
    const { code, stdout } = await run('rollback', '--auto')
    expect(code).toBe(6)
    expect(stdout).toContain('automatic is not true in the committed deploy.json')
    expect(await latest()).toBe('1.2.0')
  })

  /** A deployment whose committed deploy.json allows unattended rollbacks. */
  const standing = async (change: (deployFile: Data) => void = () => undefined) => {
    const all = await deployed()
    const deployFile = JSON.parse(await readFile(deployFileOf(all.it), 'utf8'))
    deployFile.targets.npm.automatic = true
    change(deployFile)
    await writeFile(deployFileOf(all.it), JSON.stringify(deployFile))
    await commitAll(all.it.made.dir)
    return { ...all, deployFile }
  }

  test('under an agent host --auto is refused, committed permission or not', async () => {
    const { it, env, latest } = await standing()
    const { code, stdout } = await commandLine(['rollback', '--auto'], it.made.dir, { ...env, CLAUDECODE: '1' })
    expect({ code, stdout }).toMatchObject({ code: 2, stdout: expect.stringContaining("in an agent's shell") })
    expect(await latest()).toBe('1.2.0')
  })

  test('a target that was changed since the commit has no standing permission', async () => {
    const { it, run, latest, deployFile } = await standing()
    deployFile.targets.npm.config = { ...deployFile.targets.npm.config, tag: 'next' }
    await writeFile(deployFileOf(it), JSON.stringify(deployFile))
    const { code, stdout } = await run('rollback', '--auto')
    expect({ code, stdout }).toMatchObject({ code: 6, stdout: expect.stringContaining('has uncommitted changes') })
    expect(await latest()).toBe('1.2.0')
  })

  test('--auto leaves a version alone whose deployment was repeated in vain', async () => {
    const { run, latest } = await standing(({ history }) => {
      history.splice(1, 0, { ...history[0], status: 'success', timestamp: '2026-03-18T14:00:00Z' })
    })
    const { code, stdout } = await run('rollback', '--auto')
    expect({ code, stdout }).toMatchObject({ code: 6, stdout: expect.stringContaining('has not failed') })
    expect(await latest()).toBe('1.2.0')
  })

  test('--auto that cannot write the report has rolled back all the same, and says both', async () => {
    const { it, run, latest } = await standing()
    await writeFile(join(it.made.dir, '.claude/popkit/incidents'), 'no folder')
    const { code, stdout } = await run('rollback', '--auto')
    expect(stdout).toContain('ROLLBACK SUCCESS')
    expect(stdout).toContain('incidents')
    expect(code).toBe(0)
    expect(await latest()).toBe('1.1.0')
  })

  test('--auto rolls back, proves it and writes the report where deploy.json allows it', async () => {
    const { it, run, latest } = await deployed()
    const deployFile = JSON.parse(await readFile(deployFileOf(it), 'utf8'))
    deployFile.targets.npm.automatic = true
    await writeFile(deployFileOf(it), JSON.stringify(deployFile))
    await commitAll(it.made.dir)
    const { code, stdout } = await run('rollback', '--auto', '--json')
    const answer = JSON.parse(stdout)
    expect(answer).toMatchObject({ outcome: 'succeeded', incident: expect.stringContaining('incident-') })
    expect(await readFile(join(it.made.dir, answer.incident), 'utf8')).toContain('unattended')
    expect(code).toBe(0)
    expect(await latest()).toBe('1.1.0')
    expect(await readdir(join(it.made.dir, '.claude/popkit/incidents'))).toHaveLength(1)
    const again = await run('rollback', '--auto')
    expect(again.code).toBe(6)
    expect(again.stdout).toContain('has not failed')
    expect(await latest()).toBe('1.1.0')
  })

  test('record writes what was deployed, with the identity that the target tells', async () => {
    const { it, run } = await deployed()
    const { code } = await run(
      'record',
      '--target',
      'npm',
      '--version',
      '1.2.0',
      '--status',
      'success',
      '--duration-ms',
      '1200'
    )
    expect(code).toBe(0)
    const { history } = JSON.parse(await readFile(deployFileOf(it), 'utf8'))
    expect(history[0]).toMatchObject({ target: 'npm', version: '1.2.0', status: 'success', duration_ms: 1200 })
    expect(history[0].digest).toMatch(/^sha512-/)
    expect(history).toHaveLength(3)
  })

  test('record refuses a success that the target does not show, unless it is forced', async () => {
    const { it, run } = await deployed()
    const given = ['record', '--target', 'npm', '--version', '9.9.9', '--status', 'success']
    const before = await readFile(deployFileOf(it), 'utf8')
    const { code, stdout } = await run(...given)
    expect(code).toBe(2)
    expect(stdout).toContain('npm says that 1.2.0 serves')
    expect(await readFile(deployFileOf(it), 'utf8')).toBe(before)
    expect(await run(...given, '--force')).toMatchObject({ code: 0, stdout: expect.stringContaining('1.2.0 serves') })
    const { history } = JSON.parse(await readFile(deployFileOf(it), 'utf8'))
    expect(history[0]).toMatchObject({ version: '9.9.9', status: 'success' })
    expect(history[0].digest).toBeUndefined()
  })

  test('record takes a failure with its error and its commit, in capitals too', async () => {
    const { it, run } = await deployed()
    const commit = 'ABCDEF0123456789'
    const given = [
      '--target',
      'npm',
      '--version',
      '1.3.0',
      '--status',
      'failed',
      '--error',
      'exit 1',
      '--commit',
      commit
    ]
    const { code, stdout } = await run('record', '--json', ...given)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, version: '1.3.0', status: 'failed' })
    const { history } = JSON.parse(await readFile(deployFileOf(it), 'utf8'))
    expect(history[0]).toMatchObject({ version: '1.3.0', error: 'exit 1', commit_sha: commit.toLowerCase() })
  })

  test('verify and report work from the shell as well', async () => {
    const { it, env, run } = await deployed()
    await answering(['rollback'], it.made.dir, env, [confirming])
    expect(await run('verify')).toMatchObject({ code: 0, stdout: expect.stringContaining('Verdict: healthy') })
    const report = JSON.parse((await run('report', '--severity', 'P2', '--json')).stdout)
    expect(report).toMatchObject({ severity: 'P2' })
    expect(await readFile(join(it.made.dir, report.path), 'utf8')).toContain('## Timeline')
  })
})

// biome-ignore lint/suspicious/noExplicitAny: JSON, changed by tests
type Data = Record<string, any>

async function commitAll(dir: string): Promise<void> {
  const { execa } = await import('execa')
  const git = (...args: string[]) =>
    execa('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], { cwd: dir })
  await git('init', '-q')
  await git('add', '-A')
  await git('commit', '-q', '-m', 'Allow unattended rollbacks')
}
