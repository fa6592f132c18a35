import { realpathSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ConfigError } from '../support/errors.ts'

const marks = ['', '.git', '.claude', '.claude/popkit', '.claude/popkit/deploy.json']

/**
 * Takes a project's folder. As git does since CVE-2022-24765, it refuses one in which another user of the machine decides: what its
 * deploy.json says would be done with the credentials of whoever stands below it. Files of root count as one's own, because root can
 * replace this program as well. Windows tells no owner here.
 * @throws ConfigError naming the file and its owner, unless POP_ROLLBACK_SAFE_DIRECTORY lists the folder.
 */
export function checkOwner(projectDir: string, env: NodeJS.ProcessEnv): void {
  const user = process.geteuid?.()
  if (user === undefined || isDeclaredSafe(projectDir, env)) return
  // as git-config(1) has it for safe.directory
  const trusted = [0, user, ...(user === 0 && env.SUDO_UID ? [Number(env.SUDO_UID)] : [])]
  for (const mark of marks) {
    const path = join(projectDir, mark)
    const owner = statSync(path, { throwIfNoEntry: false })?.uid
    if (owner === undefined || trusted.includes(owner)) continue
    throw new ConfigError({
      what: `The project ${projectDir} belongs to another user`,
      why: `${path} belongs to user ${owner}, and this program runs as user ${user}, so that user would decide what is rolled back and where`,
      next: `If you trust that user, as with a checkout in a container, set POP_ROLLBACK_SAFE_DIRECTORY=${projectDir}. If it is not your project, create .claude/popkit in the folder that is.`,
      code: 'foreign_project'
    })
  }
}

const isDeclaredSafe = (dir: string, { POP_ROLLBACK_SAFE_DIRECTORY: declared }: NodeJS.ProcessEnv): boolean =>
  (declared ?? '').split(delimiter).some((safe) => safe === '*' || (safe !== '' && realPath(safe) === realPath(dir)))

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
