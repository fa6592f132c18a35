import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { describeOn } from '../backends/use.ts'
import { agent } from './agent.ts'
import { type Answering, hosted, type Session, session } from './claude-code.ts'
import { type NpmProject, npmProject } from './npm-project.ts'

const skill = await readFile(join(import.meta.dirname, '../../skills/pop-deploy-rollback/SKILL.md'), 'utf8')

/** Answers each question with the next of its answers, and allows whatever else is asked. */
function person(answers: Record<string, string[]>, allow = true): Answering {
  return ({ tool, input }) => {
    if (tool !== 'AskUserQuestion') return allow
    const [{ question, header }] = input.questions as [{ question: string; header: string }]
    const answer = answers[header]?.shift()
    return answer === undefined ? {} : { [question]: answer }
  }
}

const yes = {
  Strategy: ['Previous version (Recommended)'],
  Confirm: ['Roll back now'],
  Report: ['Create report (Recommended)']
}

describeOn('host', 'a rollback in Claude Code', () => {
  let project: NpmProject
  beforeEach(async () => {
    project = await npmProject(inject('backends').npm ?? {})
  })
  afterEach(() => project.remove())

  const run = (answering: Answering, version?: string): Promise<Session> =>
    session({
      prompt: '/popkit-ops:deploy rollback',
      projectDir: project.dir,
      env: project.env,
      scripts: { main: agent({ skill, ...(version && { version }) }) },
      person: answering
    })
  const toolsOf = ({ calls }: Session): string[] => calls.map(({ tool }) => tool)
  const incidents = () => readdir(join(project.dir, '.claude/popkit/incidents')).catch(() => [])

  test('yes to everything rolls back, verifies, reports, and costs one permission prompt', async () => {
    const seen = await run(person(yes))
    if (process.env.DBG) console.log(seen.calls, seen.prompts)
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
    const permissions = seen.prompts.filter(({ tool }) => tool !== 'AskUserQuestion')
    expect(permissions.map(({ tool }) => tool)).toEqual([hosted('execute_rollback')])
    expect(permissions[0]?.input).toMatchObject({ target: 'npm', version: '1.1.0' })
    expect(await project.latest()).toBe('1.1.0')
    expect(await project.deprecation('1.2.0')).toContain('1.1.0')
    expect(await incidents()).toHaveLength(1)
    expect((await project.deployed()).history).toMatchObject([
      { status: 'rolled_back', rollback_to: '1.1.0' },
      {},
      {},
      {}
    ])
  })
})
