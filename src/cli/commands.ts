import { assessRollback } from '../tools/assess-rollback.ts'
import { verifyRollback } from '../tools/verify-rollback.ts'
import { writeIncidentTool } from '../tools/write-incident.ts'
import { type CommandName, numberOf } from './arguments.ts'
import { list } from './list.ts'
import { record } from './record.ts'
import { rollback } from './rollback.ts'
import { type Command, run } from './run.ts'
import { status } from './status.ts'

/** Every command of the command line. */
export const commands: Record<CommandName, Command> = {
  assess: (context) => {
    const { target, to, investigate, rehearse } = context.flags
    return run(context, assessRollback, { target, version: to, investigate, rehearse })
  },
  rollback,
  verify: (context) => {
    const { rollback: id, target, soak } = context.flags
    return run(context, verifyRollback, { rollback_id: id, target, soak_seconds: numberOf('soak', soak) })
  },
  report: (context) => {
    const { rollback: id, target, severity, impact, notes, 'root-cause': cause } = context.flags
    return run(context, writeIncidentTool, { rollback_id: id, target, severity, root_cause: cause, impact, notes })
  },
  list,
  status,
  record
}
