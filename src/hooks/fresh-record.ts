import { statSync } from 'node:fs'
import type { ProjectPaths } from '../project/paths.ts'

const slackMs = 2_000

/** Whether deploy.json was written while a command of this length ran. Touches no more than the file's times. */
export function writtenWhile(durationMs: number, { deployFile }: ProjectPaths, now: Date): boolean {
  const found = statSync(deployFile, { throwIfNoEntry: false })
  return found !== undefined && found.mtimeMs >= now.getTime() - durationMs - slackMs
}
