import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Answer, type BuiltServer, startServer } from '../../testkit/built-server.ts'
import { build } from '../build.ts'
import { heading, indented, paragraph } from './paper.ts'
import { scenes } from './scenes.ts'
import type { Stage } from './stage.ts'

/** Breaks something real, and takes it back through the built server as a host would. Returns the exit code. */
export async function demo(kind: string): Promise<number> {
  const scene = scenes[kind]
  if (!scene) {
    paragraph(`There is no demo "${kind}"; there are: ${Object.keys(scenes).join(', ')}.`)
    return 2
  }
  await ensureBuilt()
  heading('Setting the stage')
  const stage = await (await scene()).default()
  if ('missing' in stage) {
    paragraph(`This demo needs ${stage.missing}.`)
    return 1
  }
  process.once('SIGINT', () => void stage.stop().finally(() => process.exit(130)))
  try {
    return await play(stage)
  } finally {
    await stage.stop()
  }
}

async function play(stage: Stage): Promise<number> {
  for (const line of stage.story) paragraph(line)
  paragraph('Whoever uses it now sees:')
  indented(await stage.userSees())

  const server = await startServer({ projectDir: stage.projectDir, env: stage.env, clientName: 'demo' })
  try {
    const succeeded = await takeBack(server, stage.target)
    heading('What users see now')
    indented(await stage.userSees())
    if (!succeeded) return 1
    heading('write_incident')
    const { path } = await shown(server, 'write_incident')
    paragraph(`\nThe report: ${join(stage.projectDir, path)}`)
    paragraph(`It stays, with the journal and the history; everything else is stopped.`)
    return 0
  } finally {
    await server.close()
  }
}

/** Assess, dry run, execute, verify: each answer is shown as a host shows it. */
async function takeBack(server: BuiltServer, wanted?: string): Promise<boolean> {
  heading('assess_rollback')
  const { target, plan } = await shown(server, 'assess_rollback', {
    investigate: true,
    ...(wanted !== undefined && { target: wanted })
  })
  if (!plan) return false
  const approved = { target, version: plan.version, plan_id: plan.id }

  heading('execute_rollback, dry run')
  await shown(server, 'execute_rollback', { ...approved, dry_run: true })

  heading('execute_rollback')
  const done = await shown(server, 'execute_rollback', approved)
  if (done.outcome !== 'succeeded') return false

  heading('verify_rollback')
  const { verdict } = await shown(server, 'verify_rollback', { rollback_id: done.rollback_id })
  return verdict === 'healthy'
}

async function shown(server: BuiltServer, tool: string, args: Record<string, unknown> = {}): Promise<Answer> {
  let asked = server.questions.length
  const showQuestions = (): void => {
    for (const question of server.questions.slice(asked)) {
      paragraph('The server asks, and this demo answers yes:')
      indented(question.split('\n'))
    }
    asked = server.questions.length
  }
  const answer = await server.call(tool, args, {
    onProgress(message) {
      showQuestions()
      indented([`… ${message}`])
    }
  })
  showQuestions()
  paragraph(String(answer.summary))
  return answer
}

async function ensureBuilt(): Promise<void> {
  const server = join(fileURLToPath(new URL('../..', import.meta.url)), 'dist/server.mjs')
  await access(server).catch(async () => {
    paragraph('Building dist/ first ...')
    await build()
  })
}
