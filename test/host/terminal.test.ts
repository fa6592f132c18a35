import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, inject, test, vi } from 'vitest'
import { type NpmProject, npmProject } from '../../testkit/npm/package-project.ts'
import { describeOn } from '../harness/describe-on.ts'
import { agent, use } from './agent.ts'
import { hostEnv } from './claude-code.ts'
import { type Script, type ScriptedModel, scriptedModel } from './scripted-model.ts'
import { type Terminal, terminal } from './terminal.ts'

const root = join(import.meta.dirname, '../..')
const skill = await readFile(join(root, 'skills/pop-deploy-rollback/SKILL.md'), 'utf8')

const headlong: Script = function* () {
  const { plan } = yield* use('assess_rollback')
  yield* use('execute_rollback', { target: 'npm', version: '1.1.0', plan_id: plan.id })
  yield { say: 'Done.' }
}

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describeOn('host', "Claude Code's screen", ({ claude = '' }) => {
  interface Shown {
    project: NpmProject
    screen: Terminal
    model: ScriptedModel
  }

  /** Claude Code on a screen, with the command typed and entered. */
  async function started(script: Script, soakSeconds: number, look: (shown: Shown) => Promise<void>): Promise<void> {
    const project = await npmProject(inject('backends').npm ?? {}, soakSeconds)
    const home = await mkdtemp(join(tmpdir(), 'pop-home-'))
    const known = {
      hasCompletedOnboarding: true,
      theme: 'dark',
      customApiKeyResponses: { approved: ['any-word'], rejected: [] },
      projects: { [project.dir]: { hasTrustDialogAccepted: true } }
    }
    await writeFile(join(home, '.claude.json'), JSON.stringify(known))
    const model = await scriptedModel({ main: script })
    const env = { ...hostEnv(home, model.url, project.env), TERM: 'xterm-256color', LANG: 'C.UTF-8' }
    const screen = await terminal([claude, '--plugin-dir', root], project.dir, env)
    try {
      await screen.shows(/auto mode|\? for shortcuts/)
      await screen.type('/popkit-ops:deploy rollback')
      await screen.shows(/❯\s\/popkit-ops:deploy rollback/)
      await screen.press('Enter')
      await look({ project, screen, model })
    } finally {
      await screen.close()
      await model.stop()
      await project.remove()
      await rm(home, { recursive: true, force: true, maxRetries: 5 })
    }
  }

  test('shows each question, the permission prompt with target and version, and the verdict', () =>
    started(agent({ skill }), 1, async ({ project, screen }) => {
      const strategy = await screen.shows(/How should I roll back\?[\s\S]*Enter to select/)
      expect(strategy).toMatch(
        /Strategy[\s\S]*❯\s1\. Previous version \(Recommended\)[\s\S]*2\. Specific version[\s\S]*3\. Investigate first/
      )
      await screen.press('Enter')
      const confirm = await screen.shows(/Confirm rollback\? This will revert the deployment\.\s[\s\S]*Enter to select/)
      expect(confirm).toMatch(/Confirm[\s\S]*❯\s1\. Roll back now[\s\S]*2\. Dry run first[\s\S]*3\. Abort/)
      await screen.press('Enter')

      const permission = await screen.shows(/Do you want to proceed\?/)
      expect(permission).toMatch(/Roll back Tool[\s\S]*target: "npm"\s+version: "1\.1\.0"/)
      expect(permission).toMatch(/❯\s1\. Yes\s+2\. No/)
      expect(await project.latest()).toBe('1.2.0')
      await screen.press('Enter')

      const report = await screen.shows(/Rollback complete\. Create incident report\?\s[\s\S]*Enter to select/)
      expect(report).toMatch(/Report[\s\S]*❯\s1\. Create report \(Recommended\)[\s\S]*2\. Skip report/)
      expect(await project.latest()).toBe('1.1.0')
      await screen.press('Enter')
      await screen.shows(/Verdict: healthy/)
      expect(await readdir(join(project.dir, '.claude/popkit/incidents'))).toHaveLength(1)
    }))

  test('Escape at the permission prompt changes nothing', () =>
    started(headlong, 1, async ({ project, screen }) => {
      await screen.shows(/Do you want to proceed\?/)
      await screen.press('Escape')
      await screen.shows(/Interrupted|rejected|declined/i)
      expect(await project.latest()).toBe('1.2.0')
      expect(await readdir(join(project.dir, '.claude/popkit'))).toEqual(['deploy.json'])
    }))

  test('Escape while the rollback is watched leaves nothing half done: what serves is proven', () =>
    started(headlong, 6, async ({ project, screen }) => {
      await screen.shows(/Do you want to proceed\?/)
      await screen.press('Enter')
      while ((await project.latest()) !== '1.1.0') await wait(100)
      await screen.press('Escape')
      await screen.shows(/Interrupted/i)
      const folder = join(project.dir, '.claude/popkit/rollbacks')
      const journal = async () => {
        const [name = ''] = (await readdir(folder)).filter((file) => file.endsWith('.jsonl'))
        return (await readFile(join(folder, name), 'utf8'))
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
      }
      while ((await journal()).at(-1)?.event !== 'ended') await wait(200)
      expect((await journal()).at(-1)).toMatchObject({ outcome: 'succeeded' })
      expect(await project.latest()).toBe('1.1.0')
    }))
})
