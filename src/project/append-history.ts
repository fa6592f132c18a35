import type { DeploymentRecord } from '../model/deployment-record.ts'
import { type ChangeOptions, changeDeployFile } from './change-deploy-file.ts'
import { rawRecord } from './history.ts'
import { insertRecord } from './insert-record.ts'
import type { ProjectPaths } from './paths.ts'

/**
 * Adds a record as the newest one of deploy.json's history and gives the file's path. All else in the file stays as it is written;
 * the file is replaced at once and whole. Where there is none, a minimal one is made in the project.
 * @throws ConfigError when the file is broken or cannot be written; TargetError `locked` when another process keeps it locked.
 */
export const appendHistory = (
  paths: ProjectPaths,
  record: DeploymentRecord,
  options: Omit<ChangeOptions, 'what'> = {}
): Promise<string> =>
  changeDeployFile(paths, (text) => insertRecord(text, rawRecord(record)), { ...options, what: 'the history' })
