import { appendHistory } from '../../project/append-history.ts'
import type { ProjectPaths } from '../../project/paths.ts'
import { isoNow } from '../../support/clock.ts'
import type { ProjectContext } from '../open-session.ts'
import type { NewRecord } from '../session.ts'

/** Adds a record to deploy.json's history, masked and with the time of now. @throws ConfigError when it cannot be written. */
export async function recordDeployment(
  { clock, env, mask }: ProjectContext,
  paths: ProjectPaths,
  target: string,
  record: NewRecord
): Promise<void> {
  const { error, ...rest } = record
  const masked = error === undefined ? {} : { error: mask.text(error) }
  await appendHistory(paths, { at: isoNow(clock), target, ...rest, ...masked }, { env })
}
