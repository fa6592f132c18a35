import { z } from 'zod'
import type { DeploymentRecord, NewRecord } from '../model/deployment-record.ts'
import type { JsonObject } from '../model/json.ts'
import type { Notifier } from '../notify/webhooks.ts'
import type { Clock } from '../support/clock.ts'
import { ConfigError } from '../support/errors.ts'
import type { Logger } from '../support/log.ts'
import type { Mask } from '../support/mask.ts'
import type { Target } from '../targets/target.ts'
import type { Signals } from './signals/signals.ts'

/** The project and the process that all its targets share. */
export interface ProjectContext {
  projectDir: string
  env: NodeJS.ProcessEnv
  clock: Clock
  log: Logger
  mask: Mask
}

/** One opened target of a project, with all that the engine needs. */
export interface Session extends Omit<ProjectContext, 'env'> {
  name: string
  type: string
  target: Target
  /** Where deploy.json has signals for it; observations and checks of `target` say what they say. */
  signals?: Signals
  /** Newest first. */
  history: readonly DeploymentRecord[]
  settings: Settings
  files: {
    /** The folder of the journals. */
    journals: string
    lock: string
  }
  /** The candidate's own configuration is to go back, too, as a person asked. */
  withConfig: boolean
  /** Tells people of a rollback. */
  notifier: Notifier
  /** What was assumed in choosing the target, for people. */
  notes: string[]
  /** Adds a record to deploy.json. */
  record(record: NewRecord): Promise<void>
}

/** Durations in milliseconds. */
export interface Settings {
  soakMs: number
  limitMs: number
  maxAttempts: number
}

/** `targets.<name>.config.rollback` of deploy.json. */
export const rollbackSettingsSchema = z.looseObject({
  soak_seconds: z
    .number()
    .min(0)
    .max(3600)
    .default(10)
    .describe('How long the candidate is watched before it counts as good'),
  limit_minutes: z.number().positive().max(240).default(15).describe('How long a rollback may take'),
  max_attempts: z
    .number()
    .int()
    .positive()
    .default(3)
    .describe('Rollbacks started within an hour before one more is a serious risk')
})

/** @throws ConfigError naming the setting that is out of its range. */
export function settingsOf(target: string, config: JsonObject): Settings {
  const parsed = rollbackSettingsSchema.safeParse(config.rollback ?? {})
  if (!parsed.success)
    throw new ConfigError({
      what: `Invalid rollback settings of ${target} in deploy.json`,
      why: parsed.error.issues.map(({ path, message }) => `rollback.${path.join('.')}: ${message}`).join('; '),
      next: `Correct targets.${target}.config.rollback in deploy.json.`,
      code: 'bad_settings'
    })
  const { soak_seconds, limit_minutes, max_attempts } = parsed.data
  if (soak_seconds >= limit_minutes * 60)
    throw new ConfigError({
      what: `The rollback settings of ${target} in deploy.json contradict each other`,
      why: `soak_seconds (${soak_seconds}) is not shorter than limit_minutes (${limit_minutes}), so no rollback could succeed`,
      next: `Make targets.${target}.config.rollback.soak_seconds shorter, or limit_minutes longer.`,
      code: 'bad_settings'
    })
  return { soakMs: soak_seconds * 1000, limitMs: limit_minutes * 60_000, maxAttempts: max_attempts }
}
