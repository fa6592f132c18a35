import { readDeployFile } from '../project/deploy-file.ts'
import { discoverTargets } from '../rollback/open-session.ts'
import { assessRollback } from '../tools/assess-rollback.ts'
import { type Command, run } from './run.ts'

interface Status {
  target: string
  error?: { what: string; why: string }
  current?: { version: string; health: string; failed: boolean } | null
  recommended?: { version: string } | null
  interrupted?: { rollback_id: string }
}

/** What serves on every enabled target, one line each. */
export const status: Command = async (context) => {
  const file = await readDeployFile(context.paths, context.project.env)
  const listed = [...(file?.targets.values() ?? [])].filter(({ enabled }) => enabled)
  const names = (listed.length > 0 ? listed : await discoverTargets(context.project)).map(({ name }) => name)
  const targets: Status[] = []
  for (const target of names) {
    const { error, current, recommended, interrupted } = await run(context, assessRollback, { target })
    targets.push({ target, ...(error ? { error } : { current, recommended, interrupted }) } as Status)
  }
  const lines = targets.length > 0 ? targets.map(lineOf) : ['  no target in deploy.json, and none found in the project']
  const verdict = verdictOf(targets)
  // one that fails is the news; where none does, why one could not be asked
  const error = verdict === 'inconclusive' && targets.find((status) => status.error)?.error
  return {
    ok: verdict === 'healthy',
    summary: ['Status:', ...lines].join('\n'),
    next: [],
    verdict,
    ...(error && { error }),
    targets
  }
}

function lineOf({ target, error, current, recommended, interrupted }: Status): string {
  if (error) return `  ${target}: unknown (${error.what}: ${error.why})`
  const state = current?.failed ? 'FAILED' : (current?.health ?? 'unknown')
  const resume = interrupted ? `, INTERRUPTED rollback ${interrupted.rollback_id}` : ''
  const good = recommended ? `, last good: ${recommended.version}` : ''
  return `  ${target}: ${current?.version ?? 'nothing'} (${state})${resume}${good}`
}

function verdictOf(targets: readonly Status[]): 'healthy' | 'unhealthy' | 'inconclusive' {
  if (targets.some(({ current, interrupted }) => current?.failed || interrupted)) return 'unhealthy'
  return targets.every(({ current }) => current?.health === 'healthy') ? 'healthy' : 'inconclusive'
}
