import { z } from 'zod'
import { messageOf, RollbackError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import { defineStep } from '../define-step.ts'
import type { Run, StepResult } from '../target.ts'
import type { VercelContext } from './context.ts'
import type { VercelState } from './observe.ts'
import { deploymentId, domainName, placeParams } from './shapes.ts'

const params = z.object({ ...placeParams, alias: domainName, from: deploymentId, to: deploymentId })

/** Points one alias at the candidate. A failure is said and undoes nothing: production itself was rolled back. */
export const moveAlias = defineStep<VercelContext, VercelState>()({
  kind: 'alias',
  phase: 'switch',
  params,
  describe: (_context, { alias, from, to }, releases) => ({
    id: `alias:${alias}`,
    title: `Pointing the alias ${alias} at ${releases.to.version}`,
    undo: `point ${alias} at ${releases.from?.version ?? from} again`,
    manualCommands: [aliasCommand(to, alias)],
    manualUndoCommands: [aliasCommand(from, alias)]
  }),
  async mismatch({ vercel }, { alias, from, to }, known) {
    if (to !== known.to.id || from !== known.from?.id) return `it moves ${alias} between other deployments`
    const now = await vercel.deploymentOf(alias, known.signal)
    return now === from || now === to ? null : `${alias} leads to ${now ?? 'nothing'}`
  },
  apply: (context, { alias, from, to }, run) => point(context, alias, from, to, run),
  revert: (context, { alias, from, to }, run) => point(context, alias, to, from, run)
})

export const aliasCommand = (deployment: string, alias: string): string => `vercel alias set ${deployment} ${alias}`

async function point(
  { vercel }: VercelContext,
  alias: string,
  from: string,
  to: string,
  { signal }: Run
): Promise<StepResult> {
  try {
    const now = await vercel.deploymentOf(alias, signal)
    if (now === to) return { detail: `${alias} already leads to ${to}` }
    if (now !== from) return { detail: `${alias} leads to ${now ?? 'nothing'}: someone else changed it, so it stays` }
    await vercel.setAlias(alias, to, signal)
    return { detail: `${alias} leads to ${to}` }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof RollbackError)) throw error
    const remains = `The alias ${alias} may still lead to ${from} (${oneLine(messageOf(error), 200)}). Move it: ${aliasCommand(to, alias)}`
    return { detail: `${alias} was not moved`, remains: [remains] }
  }
}
