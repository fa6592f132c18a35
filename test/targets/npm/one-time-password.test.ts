import { afterEach, expect, test } from 'vitest'
import type { Step } from '../../../src/model/step.ts'
import { type Clock, systemClock } from '../../../src/support/clock.ts'
import { createMask } from '../../../src/support/mask.ts'
import { packumentOf } from '../../../testkit/npm/registry.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { bench, open, type Project, planTo } from './package-fixture.ts'
import type { Answer, Asked } from './proxy.ts'

const password = 'web-login-password-1234'
/** Its waits take no time, and have passed afterwards. */
function leapingClock(): Clock {
  let leapt = 0
  const sleep = async (ms: number) => {
    leapt += ms
  }
  return { ...systemClock, now: () => new Date(Date.now() + leapt), sleep }
}

const otpHeaders = { 'www-authenticate': 'OTP' }

describeOn('npm', 'npm one-time password', (backend) => {
  const { fresh, behind, cleanUp } = bench(backend)
  afterEach(cleanUp)

  const broken = async (): Promise<Project> => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    return made
  }
  const isWrite = ({ method }: Asked): boolean => method === 'PUT'
  const latest = async (made: Project) => (await packumentOf(backend.url ?? '', made.name)).tags.latest
  const plannedSteps = async (made: Project): Promise<Step[]> => (await planTo(await open(made), '1.1.0')).steps

  /** A registry that sends whoever writes to a web login, which is confirmed at the third question. */
  const withWebLogin = async (
    made: Project,
    done = (_asked: number): Answer => ({ status: 200, body: { token: password } })
  ) => {
    let asked = 0
    const faulty = await behind(made, (request) => {
      if (request.path === '/-/done') {
        asked++
        return asked < 3 ? { status: 202, headers: { 'retry-after': '0' } } : done(asked)
      }
      if (!isWrite(request) || request.headers['npm-otp'] === password) return undefined
      if (request.headers['npm-auth-type'] !== 'web') return { status: 401, headers: otpHeaders }
      const origin = `http://${request.headers.host}`
      return {
        status: 401,
        headers: otpHeaders,
        body: { authUrl: `${origin}/auth/cli/1`, doneUrl: `${origin}/-/done` }
      }
    })
    return faulty
  }

  test('the web login is shown, waited for, and its password serves the next step, too', async () => {
    const made = await broken()
    const faulty = await withWebLogin(made)
    const [setTag, deprecate] = await plannedSteps(made)
    const mask = createMask()
    const target = await open(made, { mask })
    const run = testRun()
    await target.apply(setTag as Step, run)
    expect(await latest(made)).toBe('1.1.0')
    expect(run.said.join('\n')).toContain(`${faulty.url}auth/cli/1`)
    const before = faulty.log.length
    await target.apply(deprecate as Step, testRun())
    expect(faulty.log.slice(before)).not.toContain('GET /-/done')
    expect(mask.text(password)).not.toContain(password)
  })

  test('waiting for the web login ends with the run, and nothing was changed', async () => {
    const made = await broken()
    await withWebLogin(made, () => ({ status: 202, headers: { 'retry-after': '0' } }))
    const [setTag] = await plannedSteps(made)
    const stop = new AbortController()
    const target = await open(made)
    const run = testRun({ signal: stop.signal, progress: () => stop.abort(new Error('time is up')) })
    await expect(target.apply(setTag as Step, run)).rejects.toThrow('time is up')
    expect(await latest(made)).toBe('1.2.0')
  })

  test('waiting for the web login ends when the caller cancels, and nothing was changed', async () => {
    const made = await broken()
    await withWebLogin(made, () => ({ status: 202, headers: { 'retry-after': '0' } }))
    const [setTag] = await plannedSteps(made)
    const cancel = new AbortController()
    const target = await open(made)
    const run = testRun({ cancelled: cancel.signal, progress: () => cancel.abort() })
    await expect(target.apply(setTag as Step, run)).rejects.toMatchObject({ code: 'cancelled' })
    expect(await latest(made)).toBe('1.2.0')
  })

  test('a registry without web login makes the step one for a person, with the command', async () => {
    const made = await broken()
    await behind(made, (request) => (isWrite(request) ? { status: 401, headers: otpHeaders } : undefined))
    const [setTag] = await plannedSteps(made)
    const { manual } = await (await open(made)).apply(setTag as Step, testRun())
    expect(manual?.join('\n')).toMatch(/still points at 1\.2\.0[\s\S]*--otp[\s\S]*npm dist-tag add/)
    expect(await latest(made)).toBe('1.2.0')
  })

  test('where nobody is to confirm a web login, the step is manual at once, and names the token that needs none', async () => {
    const made = await broken()
    const faulty = await withWebLogin(made, () => ({ status: 202, headers: { 'retry-after': '0' } }))
    const [setTag] = await plannedSteps(made)
    const { manual } = await (await open(made)).apply(setTag as Step, testRun({ attended: false }))
    expect(manual?.join('\n')).toMatch(
      /two-factor login[\s\S]*still points at 1\.2\.0[\s\S]*granular access token.*bypasses/
    )
    expect(faulty.log).not.toContain('GET /-/done')
    expect(await latest(made)).toBe('1.2.0')
  })

  test('a web login that nobody confirms ends manual before the time for the rollback is up', async () => {
    const made = await broken()
    await withWebLogin(made, () => ({ status: 202, headers: { 'retry-after': '3600' } }))
    const [setTag] = await plannedSteps(made)
    const { manual } = await (await open(made, { clock: leapingClock() })).apply(setTag as Step, testRun())
    expect(manual?.join('\n')).toMatch(/not confirmed within 5 minutes/)
  })

  test('a web login whose answer would be asked for elsewhere is not followed', async () => {
    const made = await broken()
    let asked = 0
    const elsewhere = await behind(made, () => {
      asked++
      return { status: 200, body: { token: 'x' } }
    })
    await behind(made, (request) =>
      isWrite(request)
        ? { status: 401, headers: otpHeaders, body: { authUrl: `${elsewhere.url}a`, doneUrl: `${elsewhere.url}b` } }
        : undefined
    )
    const [setTag] = await plannedSteps(made)
    expect((await (await open(made)).apply(setTag as Step, testRun())).manual).toBeDefined()
    expect(asked).toBe(0)
  })

  test('a password that is given beforehand is used', async () => {
    const made = await broken()
    await withWebLogin(made)
    const [setTag] = await plannedSteps(made)
    const target = await open(made, { env: { ...made.env, npm_config_otp: password } })
    const run = testRun()
    await target.apply(setTag as Step, run)
    expect(await latest(made)).toBe('1.1.0')
    expect(run.said).toEqual([])
  })
})
