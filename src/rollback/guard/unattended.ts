import { ConfigError } from '../../support/errors.ts'
import type { Assessment } from '../assess/assess.ts'

/**
 * Holds an assessment against the conditions of a rollback that nobody watches.
 * @throws ConfigError naming each condition that is missing; nothing was begun.
 */
export function checkUnattended(assessment: Assessment, automatic: boolean, because: string): void {
  const missing = missingConditions(assessment, automatic)
  if (missing.length === 0) return
  throw new ConfigError({
    what: 'Nobody can confirm this rollback, and it may not run unattended',
    why: `${because}; ${missing.join('; ')}`,
    next: 'Let a person run it (pop-deploy-rollback rollback on a terminal, or a host that asks), or meet these conditions.',
    code: 'not_unattended'
  })
}

/** What is missing for a rollback without anyone there, one line each; nothing when it may run. */
export function missingConditions(assessment: Assessment, automatic: boolean): string[] {
  const { target, failed, chosen, recommended, risks, health, interrupted, blockers, plan } = assessment
  const serious = risks.filter((risk) => risk.serious).map(({ id }) => id)
  return [
    ...(automatic
      ? []
      : [
          `targets.${target}.automatic is not true in the committed deploy.json, or targets.${target} was changed since`
        ]),
    ...(failed ? [] : [`the current version has not failed (${health.state}: ${health.message})`]),
    ...(interrupted ? [`an interrupted rollback (${interrupted.rollbackId}) needs a person's choice`] : []),
    ...(plan && chosen && chosen === recommended ? [] : ['no recommended candidate is chosen']),
    ...(serious.length > 0 ? [`serious risks need a person: ${serious.join(', ')}`] : []),
    ...blockers.map(({ what }) => `blocked: ${what}`)
  ]
}
