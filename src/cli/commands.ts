import { renderAnyAssessment, renderAnyVerification } from '../render/any.ts'
import { renderIncident } from '../render/incident.ts'
import { assessRollback } from '../tools/assess-rollback.ts'
import { verifyRollback } from '../tools/verify-rollback.ts'
import { writeIncidentTool } from '../tools/write-incident.ts'
import { numberOf } from './arguments.ts'
import type { CommandName } from './command-table.ts'
import { freezeCommand, unfreezeCommand } from './freeze.ts'
import { init } from './init.ts'
import { list, status } from './overview.ts'
import { record } from './record.ts'
import { rollback } from './rollback.ts'
import { type Command, toolCommand } from './run.ts'
import { watch } from './watch.ts'

/** Every command of the command line. */
export const commands: Record<CommandName, Command> = {
  init,
  assess: toolCommand(
    assessRollback,
    ({ target, to, investigate, rehearse, 'with-config': withConfig }) => ({
      target,
      version: to,
      investigate,
      rehearse,
      with_config: withConfig
    }),
    renderAnyAssessment
  ),
  rollback,
  verify: toolCommand(
    verifyRollback,
    ({ rollback: id, target, soak }) => ({ rollback_id: id, target, soak_seconds: numberOf('soak', soak, 600) }),
    renderAnyVerification
  ),
  report: toolCommand(
    writeIncidentTool,
    ({ rollback: id, target, severity, impact, notes, 'root-cause': cause }) => ({
      rollback_id: id,
      target,
      severity,
      root_cause: cause,
      impact,
      notes
    }),
    renderIncident
  ),
  list,
  status,
  freeze: freezeCommand,
  unfreeze: unfreezeCommand,
  record,
  watch
}
