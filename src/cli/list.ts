import { assessRollback } from '../tools/assess-rollback.ts'
import { type Command, run } from './run.ts'

interface Listed {
  version: string
  good: boolean
  for: string[]
  against: string[]
}

/** The candidates of a target, best first. */
export const list: Command = async (context) => {
  const assessed = await run(context, assessRollback, { target: context.flags.target })
  if (assessed.error) return assessed
  const {
    target,
    current,
    candidates,
    candidates_left_out: leftOut = 0
  } = assessed as unknown as {
    target: string
    current: { version: string } | null
    candidates: Listed[]
    candidates_left_out?: number
  }
  const lines = candidates.map(
    ({ version, good, for: evidence, against }) =>
      `  ${good ? '+' : ' '} ${version}  ${[...evidence, ...against].join('; ') || 'no evidence'}`
  )
  return {
    ok: true,
    summary: [
      `${target}: ${current?.version ?? 'nothing'} serves`,
      ...(lines.length > 0 ? lines : ['  no earlier version']),
      ...(leftOut > 0 ? [`  and ${leftOut} more, with less for them`] : [])
    ].join('\n'),
    next: assessed.next,
    target,
    current,
    candidates,
    ...(leftOut > 0 && { candidates_left_out: leftOut })
  }
}
