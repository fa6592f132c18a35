import { assessRollback } from '../tools/assess-rollback.ts'
import { executeRollbackTool } from '../tools/execute-rollback.ts'
import { verifyRollback } from '../tools/verify-rollback.ts'
import { writeIncidentTool } from '../tools/write-incident.ts'
import { renderAnyAssessment, renderAnyRollback, renderAnyVerification } from './any.ts'
import { assessmentSchema } from './assessment.ts'
import { incidentSchema, renderIncident } from './incident.ts'
import { type RenderedTool, renderedTool } from './rendered-tool.ts'
import { rollbackSchema } from './rollback.ts'
import { verificationSchema } from './verification.ts'

/** Every tool, in the order in which they are used. */
export const tools: readonly RenderedTool[] = [
  renderedTool(assessRollback, assessmentSchema, renderAnyAssessment),
  renderedTool(executeRollbackTool, rollbackSchema, renderAnyRollback),
  renderedTool(verifyRollback, verificationSchema, renderAnyVerification),
  renderedTool(writeIncidentTool, incidentSchema, renderIncident)
]
