import { type AnyAssessment, isGroupAssessment } from '../rollback/group/group-assessment.ts'
import { type AnyResult, isGroupResult } from '../rollback/group/group-result.ts'
import { type AnyVerification, isGroupVerification } from '../rollback/group/verify-group.ts'
import type { Rendered } from './answer.ts'
import { renderAssessment } from './assessment.ts'
import { renderGroupAssessment } from './group-assessment.ts'
import { renderGroupRollback } from './group-rollback.ts'
import { renderGroupVerification } from './group-verification.ts'
import { renderRollback } from './rollback.ts'
import { renderVerification } from './verification.ts'

/** What is rendered of one target, or of several as one. */
export const renderAnyAssessment = (
  assessment: AnyAssessment,
  input: { rehearse?: boolean | undefined } = {}
): Rendered =>
  isGroupAssessment(assessment) ? renderGroupAssessment(assessment, input) : renderAssessment(assessment, input)

export const renderAnyRollback = (result: AnyResult, request: Parameters<typeof renderRollback>[1]): Rendered =>
  isGroupResult(result) ? renderGroupRollback(result, request) : renderRollback(result, request)

export const renderAnyVerification = (result: AnyVerification): Rendered =>
  isGroupVerification(result) ? renderGroupVerification(result) : renderVerification(result)
