import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import { type NpmProject, npmProject } from '../../testkit/npm/package-project.ts'
import { describeOn } from '../harness/describe-on.ts'
import { use } from './agent.ts'
import { hosted, type Prompted, type Session, type SessionOptions, session } from './claude-code.ts'
import type { Script } from './scripted-model.ts'

/** A model that skips every question. */
const headlong: Script = function* () {
  yield { call: 'Skill', input: { skill: 'popkit-ops:pop-deploy-rollback', args: '--yes' } }
  const { plan } = yield* use('assess_rollback')
  yield* use('execute_rollback', { target: 'npm', version: '1.1.0', plan_id: plan?.id ?? 'none' })
  yield { say: 'Done.' }
}

const allowed = ['mcp__plugin_popkit-ops_rollback', hosted('execute_rollback'), hosted('assess_rollback')]
const approve = JSON.stringify({
  hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'allow', permissionDecisionReason: 'any' }
})
const settings = (value: object) => ({ settings: JSON.stringify(value) })

/** Ways in which a user's or a project's configuration may try to skip the prompt. */
const asking: [how: string, more: Record<string, unknown>][] = [
  ['in the default mode', {}],
  ['in auto mode', { permissionMode: 'auto' }],
  ['in acceptEdits', { permissionMode: 'acceptEdits' }],
  ['in bypassPermissions', { permissionMode: 'bypassPermissions', allowDangerouslySkipPermissions: true }],
  ['with allow rules', settings({ permissions: { allow: allowed } })],
  ['with allowedTools', { allowedTools: allowed }],
  [
    'with a hook that allows everything',
    settings({
      hooks: { PreToolUse: [{ matcher: '.*', hooks: [{ type: 'command', command: 'echo', args: [approve] }] }] }
    })
  ]
]

const denying: [how: string, more: Record<string, unknown>][] = [
  ['in dontAsk, allow rules or not', { permissionMode: 'dontAsk', ...settings({ permissions: { allow: allowed } }) }],
  ['where nobody can be asked', { permissionPrompts: 'none', ...settings({ permissions: { allow: allowed } }) }]
]

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describeOn('host', 'consent in Claude Code', () => {
  let project: NpmProject
  beforeEach(async () => {
    project = await npmProject(inject('backends').npm ?? {})
  })
  afterEach(() => project.remove())

  const run = (more: Record<string, unknown>, answer: boolean, rest: Partial<SessionOptions> = {}): Promise<Session> =>
    session({
      prompt: '/popkit-ops:deploy rollback --yes',
      projectDir: project.dir,
      // the host lets root bypass permissions only in a sandbox
      env: { ...project.env, IS_SANDBOX: '1' },
      scripts: { main: headlong },
      person: () => answer,
      more,
      ...rest
    })
  const promptsOf = ({ prompts }: Session) => prompts.map(({ tool }) => tool)
  const called = ({ calls }: Session, name: string) => calls.filter(({ tool }) => tool === name)

  test.each(asking)('%s an execution is asked for, and no means no', async (_, more) => {
    const seen = await run(more, false)
    expect(called(seen, 'assess_rollback')).toMatchObject([{ isError: false }])
    expect(promptsOf(seen)).toEqual([hosted('execute_rollback')])
    expect(called(seen, 'execute_rollback')).toMatchObject([{ isError: true }])
    expect(await project.latest()).toBe('1.2.0')
  })

  test.each(denying)('%s an execution is denied', async (_, more) => {
    const seen = await run(more, true)
    expect(promptsOf(seen)).toEqual([])
    expect(called(seen, 'execute_rollback')).toMatchObject([{ isError: true }])
    expect(await project.latest()).toBe('1.2.0')
  })

  test('in auto mode one yes is enough', async () => {
    const seen = await run({ permissionMode: 'auto' }, true)
    expect(promptsOf(seen)).toEqual([hosted('execute_rollback')])
    expect(await project.latest()).toBe('1.1.0')
  })

  test('a dry run is asked for like an execution, and changes nothing', async () => {
    const dry: Script = function* () {
      const { plan } = yield* use('assess_rollback')
      const call = { target: 'npm', version: '1.1.0', plan_id: plan.id, dry_run: true }
      const { outcome } = yield* use('execute_rollback', call)
      yield { say: outcome }
    }
    const seen = await run({}, true, { scripts: { main: dry } })
    expect(promptsOf(seen)).toEqual([hosted('execute_rollback')])
    expect(seen.messages.at(-1)?.result).toBe('checked')
    expect(await project.latest()).toBe('1.2.0')
  })

  test('a subagent assesses, can neither execute nor ask, and hands its findings back', async () => {
    const specialist: Script = function* () {
      const { plan } = yield* use('assess_rollback')
      const refused = yield {
        call: hosted('execute_rollback'),
        input: { target: 'npm', version: '1.1.0', plan_id: plan.id }
      }
      const mute = yield { call: 'AskUserQuestion', input: { questions: [] } }
      yield { say: `plan ${plan.id}; executing ${refused.isError}; asking ${mute.isError}` }
    }
    const main: Script = function* () {
      const input = {
        subagent_type: 'popkit-ops:rollback-specialist',
        description: 'Assess',
        prompt: 'Assess npm.',
        run_in_background: false
      }
      const { text } = yield { call: 'Agent', input }
      yield { say: text }
    }
    const seen = await run({}, true, { scripts: { main, subagent: specialist } })
    const said = seen.messages.at(-1)?.result as string
    expect(said).toMatch(/plan plan-[\w-]+; executing true; asking true/)
    expect(promptsOf(seen).filter((tool) => tool.includes('execute'))).toEqual([])
    expect(await project.latest()).toBe('1.2.0')
  })

  test('a subagent of another kind is asked for like the main conversation', async () => {
    const worker: Script = function* () {
      const { plan } = yield* use('assess_rollback')
      const { summary } = yield* use('execute_rollback', { target: 'npm', version: '1.1.0', plan_id: plan.id })
      yield { say: summary }
    }
    const main: Script = function* () {
      const input = {
        subagent_type: 'general-purpose',
        description: 'Fix it',
        prompt: 'Fix it.',
        run_in_background: false
      }
      const { text } = yield { call: 'Agent', input }
      yield { say: text }
    }
    const answered = { scripts: { main, subagent: worker }, person: ({ tool }: Prompted) => !tool.includes('execute') }
    const seen = await run({}, true, answered)
    expect(promptsOf(seen).filter((tool) => tool.includes('execute'))).toEqual([hosted('execute_rollback')])
    expect(seen.messages.at(-1)?.result).toContain('The person said no.')
    expect(await project.latest()).toBe('1.2.0')
  })

  test('a model that uses the skill by itself is asked for the skill, then as with the command', async () => {
    const seen = await run({}, true, { prompt: 'production is broken since the release, undo it' })
    expect(promptsOf(seen)).toEqual(['Skill', hosted('execute_rollback')])
    expect(await project.latest()).toBe('1.1.0')
  })
})
