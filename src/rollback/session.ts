import type { DeploymentRecord, NewRecord } from '../model/deployment-record.ts'
import type { Clock } from '../support/clock.ts'
import type { Logger } from '../support/log.ts'
import type { Mask } from '../support/mask.ts'
import type { Target } from '../targets/target.ts'
import type { Settings } from './settings.ts'

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
  /** Newest first. */
  history: readonly DeploymentRecord[]
  settings: Settings
  files: {
    /** The folder of the journals. */
    journals: string
    lock: string
  }
  /** What was assumed in choosing the target, for people. */
  notes: string[]
  /** Adds a record to deploy.json. */
  record(record: NewRecord): Promise<void>
}
