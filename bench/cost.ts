import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startServer } from '../testkit/built-server.ts'
import { npmProject } from '../testkit/npm/package-project.ts'
import { startVerdaccio } from '../testkit/npm/verdaccio.ts'

const root = join(import.meta.dirname, '..')
const whole = 12 * 1024

/** Bytes that a model reads: what is always there, and the answers of a whole rollback of an npm package. */
const registry = await startVerdaccio()
const project = await npmProject({ url: registry.url, writer: registry.writer })
const server = await startServer({ projectDir: project.dir, env: project.env })
try {
  const { tools } = await server.client.listTools()
  print('tools/list', tools)
  for (const tool of tools) print(`  ${tool.name}`, tool)
  print('instructions', server.client.getInstructions() ?? '')
  for (const file of ['skills/pop-deploy-rollback/SKILL.md', 'commands/deploy.md', 'agents/rollback-specialist.md'])
    print(file, await readFile(join(root, file), 'utf8'))

  console.log('\nanswers')
  const assessed = await server.call('assess_rollback')
  const call = { target: 'npm', version: assessed.plan.version, plan_id: assessed.plan.id }
  const dry = await server.call('execute_rollback', { ...call, dry_run: true })
  const done = await server.call('execute_rollback', call)
  const verified = await server.call('verify_rollback', { rollback_id: done.rollback_id })
  const report = await server.call('write_incident', { rollback_id: done.rollback_id })
  const answers = {
    assess_rollback: assessed,
    'execute_rollback, dry run': dry,
    execute_rollback: done,
    verify_rollback: verified,
    write_incident: report
  }
  const sizes = Object.entries(answers).map(([name, answer]) => print(`  ${name}`, answer))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  print('  assess_rollback, investigate', await server.call('assess_rollback', { investigate: true }))
  console.log(`a whole rollback's answers: ${total} bytes, ${total <= whole ? 'under' : 'OVER'} ${whole}`)
} finally {
  await server.close()
  await project.remove()
  await registry.stop()
}

function print(name: string, value: unknown): number {
  const bytes = Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value))
  console.log(`${name.padEnd(40)} ${String(bytes).padStart(6)}`)
  return bytes
}
