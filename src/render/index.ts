import { assessRollback } from '../tools/assess-rollback.ts'
import { executeRollbackTool } from '../tools/execute-rollback.ts'
import { verifyRollback } from '../tools/verify-rollback.ts'
import { writeIncidentTool } from '../tools/write-incident.ts'
import { assessmentSchema, renderAssessment } from './assessment.ts'
import { incidentSchema, renderIncident } from './incident.ts'
import { type RenderedTool, renderedTool } from './rendered-tool.ts'
import { renderRollback, rollbackSchema } from './rollback.ts'
import { renderVerification, verificationSchema } from './verification.ts'

/** Every tool, in the order in which they are used. */
export const tools: readonly RenderedTool[] = [
  renderedTool(assessRollback, assessmentSchema, renderAssessment),
  renderedTool(executeRollbackTool, rollbackSchema, renderRollback),
  renderedTool(verifyRollback, verificationSchema, renderVerification),
  renderedTool(writeIncidentTool, incidentSchema, renderIncident)
]
