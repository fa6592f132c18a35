import { readDeployFile } from '../project/deploy-file.ts'
import { discoverTargets } from '../rollback/open-session.ts'
import { assessRollback } from '../tools/assess-rollback.ts'
import { type Command, run } from './run.ts'

/** What serves on every enabled target, one line each. */
export const status: Command = async (context) => {
  const file = await readDeployFile(context.paths, context.around.env)
  const listed = [...(file?.targets.values() ?? [])].filter(({ enabled }) => enabled)
  const names = (listed.length > 0 ? listed : await discoverTargets(context.around)).map(({ name }) => name)
  const targets: Record<string, unknown>[] = []
  const lines: string[] = []
  for (const name of names) {
    const assessed = await run(context, assessRollback, { target: name })
    const error = assessed.error as { what: string; why: string } | undefined
    const current = assessed.current as { version: string; health: string; failed: boolean } | null | undefined
    const interrupted = assessed.interrupted as { rollback_id: string } | undefined
    const recommended = assessed.recommended as { version: string } | null | undefined
    lines.push(
      error
        ? `  ${name}: unknown (${error.what}: ${error.why})`
        : `  ${name}: ${current?.version ?? 'nothing'} (${current?.failed ? 'FAILED' : (current?.health ?? 'unknown')})${
            interrupted ? `, INTERRUPTED rollback ${interrupted.rollback_id}` : ''
          }${recommended ? `, last good: ${recommended.version}` : ''}`
    )
    targets.push({ target: name, ...(error ? { error } : { current, recommended, interrupted }) })
  }
  const summary = lines.length > 0 ? lines.join('\n') : '  no target in deploy.json, and none found in the project'
  return { ok: targets.every(({ error }) => !error), summary: `Status:\n${summary}`, next: [], targets }
}
