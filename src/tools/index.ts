import { assessRollback } from './assess-rollback.ts'
import type { Tool } from './define-tool.ts'
import { executeRollbackTool } from './execute-rollback.ts'
import { verifyRollback } from './verify-rollback.ts'
import { writeIncidentTool } from './write-incident.ts'

/** Every tool, in the order in which they are used. */
export const tools: readonly Tool[] = [assessRollback, executeRollbackTool, verifyRollback, writeIncidentTool]
