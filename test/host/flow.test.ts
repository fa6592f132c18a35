import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import { type NpmProject, npmProject } from '../../testkit/npm/package-project.ts'
import { publish } from '../../testkit/npm/publish.ts'
import { describeOn } from '../harness/describe-on.ts'
import { agent } from './agent.ts'
import { type Answering, hosted, type Session, session } from './claude-code.ts'
import { person, yes } from './person.ts'
import { shown } from './scripted-model.ts'

const skill = await readFile(join(import.meta.dirname, '../../skills/pop-deploy-rollback/SKILL.md'), 'utf8')

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describeOn('host', 'a rollback in Claude Code', () => {
  const registry = inject('backends').npm ?? {}
  let project: NpmProject
  beforeEach(async () => {
    project = await npmProject(registry)
  })
  afterEach(() => project.remove())

  const run = (answering: Answering, wish: { version?: string; args?: string } = {}): Promise<Session> =>
    session({
      prompt: `/popkit-ops:deploy rollback ${wish.args ?? ''}`.trim(),
      projectDir: project.dir,
      env: project.env,
      scripts: { main: agent({ skill, ...wish }) },
      person: answering
    })
  const toolsOf = ({ calls }: Session): string[] => calls.map(({ tool }) => tool)
  const executions = ({ calls }: Session) => calls.filter(({ tool }) => tool === 'execute_rollback')
  const permissions = ({ prompts }: Session) => prompts.filter(({ tool }) => tool !== 'AskUserQuestion')
  /** The options of each question with this header. */
  const labelsOf = ({ prompts }: Session, header: string): string[][] =>
    prompts
      .flatMap(({ input }) => (input.questions ?? []) as { header: string; options: { label: string }[] }[])
      .filter((question) => question.header === header)
      .map(({ options }) => options.map(({ label }) => label))
  const incidents = () => readdir(join(project.dir, '.claude/popkit/incidents')).catch(() => [])
  const untouched = async (seen: Session) => {
    expect(permissions(seen)).toEqual([])
    expect(await project.latest()).toBe('1.2.0')
    expect(await readdir(join(project.dir, '.claude/popkit'))).toEqual(['deploy.json'])
  }

  test('yes to everything rolls back, verifies, reports, and costs one permission prompt', async () => {
    const seen = await run(person(yes))
    expect(toolsOf(seen)).toEqual([
      'Skill',
      'assess_rollback',
      'AskUserQuestion',
      'AskUserQuestion',
      'execute_rollback',
      'verify_rollback',
      'AskUserQuestion',
      'write_incident'
    ])
    expect(permissions(seen).map(({ tool }) => tool)).toEqual([hosted('execute_rollback')])
    expect(permissions(seen)[0]?.input).toMatchObject({ target: 'npm', version: '1.1.0' })
    expect(await project.latest()).toBe('1.1.0')
    expect(await project.deprecation('1.2.0')).toContain('1.1.0')
    expect(await incidents()).toHaveLength(1)
    const { history } = await project.deployed()
    expect(history).toMatchObject([{ status: 'rolled_back', rollback_to: '1.1.0' }, {}, {}, {}])
  })

  test('the command and the skill reach the model with their arguments and the exact questions', async () => {
    const seen = await run(person({}), { args: '--target npm' })
    const text = seen.requests.map(shown).join('\n')
    expect(text).toContain('The arguments are: rollback --target npm')
    expect(text).toContain('Arguments: --target npm')
    const [asked] = seen.prompts.flatMap(({ input }) => input.questions as object[])
    expect(asked).toMatchObject({
      question: 'How should I roll back?',
      header: 'Strategy',
      options: [
        { label: 'Previous version (Recommended)' },
        { label: 'Specific version' },
        { label: 'Investigate first' }
      ]
    })
  })

  test('a specific version is assessed again and carried out', async () => {
    const seen = await run(person({ ...yes, Strategy: ['Specific version'] }), { version: '1.0.0' })
    expect(executions(seen).map(({ input }) => input.version)).toEqual(['1.0.0'])
    expect(await project.latest()).toBe('1.0.0')
  })

  test.each([
    ['Accept', '1.2.1'],
    ['Do not accept', '1.2.0']
  ])('a serious risk is put to the person by itself: %s', async (answer, served) => {
    await publish(registry.url ?? '', registry.writer ?? '', { name: project.name, version: '1.2.1', tag: 'next' })
    const answers = { ...yes, Strategy: ['Specific version'], Risk: [answer, answer] }
    const seen = await run(person(answers), { version: '1.2.1' })
    expect(executions(seen).flatMap(({ input }) => input.accept)).toEqual(
      answer === 'Accept' ? ['evidence_against:1.2.1'] : []
    )
    expect(await project.latest()).toBe(served)
  })

  test('investigate first reads more and asks again', async () => {
    const seen = await run(person({ ...yes, Strategy: ['Investigate first', 'Previous version (Recommended)'] }))
    expect(toolsOf(seen).slice(0, 5)).toEqual([
      'Skill',
      'assess_rollback',
      'AskUserQuestion',
      'assess_rollback',
      'AskUserQuestion'
    ])
    expect(seen.calls[3]).toMatchObject({ input: { investigate: true }, isError: false })
    expect(seen.calls[3]?.result).toContain('diagnosis')
    expect(labelsOf(seen, 'Strategy')).toEqual([
      ['Previous version (Recommended)', 'Specific version', 'Investigate first'],
      ['Previous version (Recommended)', 'Specific version']
    ])
    expect(await project.latest()).toBe('1.1.0')
  })

  test('words that ask for an investigation count as that option, already done', async () => {
    const seen = await run(person(yes), { args: 'and find out why first' })
    expect(seen.calls[1]).toMatchObject({ tool: 'assess_rollback', input: { investigate: true }, isError: false })
    expect(labelsOf(seen, 'Strategy')).toEqual([['Previous version (Recommended)', 'Specific version']])
    expect(await project.latest()).toBe('1.1.0')
  })

  test('a plan that is out of date is refused, and costs one more confirmation', async () => {
    const answers = { ...yes, Confirm: ['Roll back now', 'Roll back now'] }
    const answering = person(answers)
    let moved = false
    const seen = await session({
      prompt: '/popkit-ops:deploy rollback',
      projectDir: project.dir,
      env: project.env,
      scripts: { main: agent({ skill }) },
      person: async (prompt) => {
        if (prompt.tool !== 'AskUserQuestion' && !moved) {
          moved = true
          await publish(registry.url ?? '', registry.writer ?? '', {
            name: project.name,
            version: '1.2.1',
            tag: 'latest'
          })
        }
        return answering(prompt)
      }
    })
    expect(executions(seen).map(({ isError }) => isError)).toEqual([true, false])
    expect(toolsOf(seen).slice(4, 8)).toEqual([
      'execute_rollback',
      'assess_rollback',
      'AskUserQuestion',
      'execute_rollback'
    ])
    expect(labelsOf(seen, 'Strategy')).toHaveLength(1)
    expect(await project.latest()).toBe('1.1.0')
  })

  test('dry run first changes nothing, then the same plan runs', async () => {
    const served: (string | undefined)[] = []
    const answering = person({ ...yes, Confirm: ['Dry run first', 'Roll back now'] })
    const seen = await session({
      prompt: '/popkit-ops:deploy rollback',
      projectDir: project.dir,
      env: project.env,
      scripts: { main: agent({ skill }) },
      person: async (prompt) => {
        if (prompt.tool !== 'AskUserQuestion') served.push(await project.latest())
        return answering(prompt)
      }
    })
    const [dry, real] = executions(seen)
    expect(dry?.input).toEqual({ ...real?.input, dry_run: true })
    expect(dry?.result).toContain('"outcome":"checked"')
    expect(served).toEqual(['1.2.0', '1.2.0'])
    expect(await project.latest()).toBe('1.1.0')
  })

  test('abort changes nothing', async () => {
    const seen = await run(person({ ...yes, Confirm: ['Abort'] }))
    expect(executions(seen)).toEqual([])
    await untouched(seen)
  })

  test.each([
    ['the strategy', { Confirm: yes.Confirm }],
    ['the confirmation', { Strategy: yes.Strategy }]
  ])('an empty answer to %s changes nothing', async (_, answers) => {
    const seen = await run(person(answers))
    expect(executions(seen)).toEqual([])
    await untouched(seen)
  })

  test('skip report writes no report', async () => {
    await run(person({ ...yes, Report: ['Skip report'] }))
    expect(await project.latest()).toBe('1.1.0')
    expect(await incidents()).toEqual([])
  })

  test('an answer that names no option is a no', async () => {
    const seen = await run(person({ ...yes, Confirm: ['hm, what would happen?'] }))
    await untouched(seen)
  })

  test('a refused permission changes nothing', async () => {
    const seen = await run(person(yes, false))
    expect(executions(seen)).toMatchObject([{ isError: true }])
    expect(await project.latest()).toBe('1.2.0')
    expect(await readdir(join(project.dir, '.claude/popkit'))).toEqual(['deploy.json'])
  })

  test('--yes asks nothing, and the permission prompt still comes', async () => {
    const seen = await run(person({}), { args: '--yes' })
    expect(seen.prompts.map(({ tool }) => tool)).toEqual([hosted('execute_rollback')])
    expect(await project.latest()).toBe('1.1.0')
    expect(await incidents()).toHaveLength(1)
  })

  test('--list shows every candidate with its evidence, asks nothing and changes nothing', async () => {
    const seen = await run(person({}), { args: '--list' })
    expect(toolsOf(seen)).toEqual(['Skill', 'assess_rollback'])
    expect(seen.prompts).toEqual([])
    const said = seen.messages.at(-1)?.result as string
    for (const version of ['1\\.1\\.0,', '1\\.0\\.0'])
      expect(said).toMatch(new RegExp(`${version} \\(?served well for`))
    await untouched(seen)
  })

  test('--dry-run checks the preconditions behind the same prompt, and ends', async () => {
    const seen = await run(person(yes), { args: '--dry-run' })
    expect(toolsOf(seen)).toEqual(['Skill', 'assess_rollback', 'AskUserQuestion', 'execute_rollback'])
    expect(executions(seen)).toMatchObject([{ input: { dry_run: true }, isError: false }])
    expect(permissions(seen).map(({ tool }) => tool)).toEqual([hosted('execute_rollback')])
    expect(seen.messages.at(-1)?.result).toContain('DRY RUN')
    expect(await project.latest()).toBe('1.2.0')
  })

  test('--to settles the strategy', async () => {
    const seen = await run(person({ ...yes, Strategy: [] }), { args: '--to 1.0.0' })
    expect(executions(seen).map(({ input }) => input.version)).toEqual(['1.0.0'])
    expect(await project.latest()).toBe('1.0.0')
  })

  test.each([
    ['--yes stops', '--yes', {}, '1.2.0'],
    ['nothing is', '', { ...yes, Healthy: ['Nothing, leave it'] }, '1.2.0'],
    ['it fails for users', '', { ...yes, Healthy: ['It fails for users'] }, '1.1.0']
  ])('what looks healthy is left alone unless a person says what is wrong: %s', async (_, args, answers, served) => {
    const { history, ...deployFile } = await project.deployed()
    await project.deploy({
      ...deployFile,
      history: (history as { status: string }[]).filter(({ status }) => status !== 'failed') as never
    })
    const seen = await run(person(answers), { args })
    expect(seen.calls[1]?.result).toContain('current_healthy')
    expect(executions(seen)).toHaveLength(served === '1.1.0' ? 1 : 0)
    expect(await project.latest()).toBe(served)
  })

  test('of several targets the one that was named is rolled back, and the others are left alone', async () => {
    const deployFile = await project.deployed()
    const targets = deployFile.targets as Record<string, object>
    const more = { ...targets, vercel: { enabled: true, primary: true, config: { project_id: 'prj_none' } } }
    await project.deploy({ ...deployFile, targets: { ...more, npm: { ...targets.npm, primary: false } } as never })
    const seen = await run(person(yes), { args: '--target npm' })
    expect(seen.calls.find(({ tool }) => tool === 'assess_rollback')?.input).toEqual({ target: 'npm' })
    expect(permissions(seen).map(({ input }) => input.target)).toEqual(['npm'])
    expect(await project.latest()).toBe('1.1.0')
  })
})
