import { statSync } from 'node:fs'

/** How long this program may have waited for its start on a busy machine. */
const slackMs = 30_000

/** Whether deploy.json was written while a command of this length ran. Touches no more than the file's times. */
export function writtenWhile(durationMs: number, deployFile: string, now: Date): boolean {
  const found = statSync(deployFile, { throwIfNoEntry: false })
  return found !== undefined && found.mtimeMs >= now.getTime() - durationMs - slackMs
}
