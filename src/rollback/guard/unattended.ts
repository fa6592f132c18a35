import { ConfigError } from '../../support/errors.ts'
import type { Assessment } from '../assess/assessment.ts'

/**
 * Checks the conditions of an unattended rollback.
 * @throws ConfigError naming each condition that is not met; nothing was begun.
 */
export function checkUnattended(assessment: Assessment, automatic: boolean, because: string): void {
  const missing = missingConditions(assessment, automatic)
  if (missing.length === 0) return
  throw new ConfigError({
    what: 'This rollback needs a confirmation, and may not run unattended',
    why: `${because}; ${missing.join('; ')}`,
    next: 'Run pop-deploy-rollback rollback in a terminal, use an MCP host that asks for confirmation, or meet these conditions.',
    code: 'not_unattended'
  })
}

/** The conditions that are not met, one line each; none when it may run unattended. */
export function missingConditions(assessment: Assessment, automatic: boolean): string[] {
  const { target, failed, chosen, recommended, risks, health, interrupted, blockers, plan } = assessment
  const serious = risks.filter((risk) => risk.serious).map(({ id }) => id)
  return [
    ...(automatic
      ? []
      : [
          `targets.${target}.automatic is not true in the committed deploy.json, or targets.${target} has uncommitted changes`
        ]),
    ...(failed ? [] : [`the current version has not failed (${health.state}: ${health.message})`]),
    ...(interrupted ? [`an interrupted rollback (${interrupted.rollbackId}) needs a person to decide`] : []),
    ...(plan && chosen && chosen === recommended ? [] : ['the plan does not lead to a recommended version']),
    ...(serious.length > 0 ? [`a person must accept these serious risks: ${serious.join(', ')}`] : []),
    ...blockers.map(({ what }) => `blocked: ${what}`)
  ]
}
