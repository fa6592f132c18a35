import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { fingerprintOf } from '../support/canonical.ts'
import { parseOutsideJson } from '../support/nesting.ts'
import { git } from './git.ts'
import { locateDeployFile, projectPaths } from './paths.ts'

const entriesSchema = z.looseObject({
  targets: z.record(z.string(), z.looseObject({ automatic: z.unknown().optional() }))
})

type Entry = z.infer<typeof entriesSchema>['targets'][string]

/**
 * Whether the deploy.json of the project's last commit allows unattended rollbacks of a target. A file that is not committed does not
 * count: it may have been written a moment ago. If its entry for the target differs from the committed one, the permission was given
 * for another place than the one that would be changed.
 */
export async function committedAutomatic(projectDir: string, env: NodeJS.ProcessEnv, target: string): Promise<boolean> {
  const committed = entryOf(
    await git(projectDir, ['show', '--no-textconv', 'HEAD:./.claude/popkit/deploy.json']),
    target
  )
  if (committed?.automatic !== true) return false
  const { path } = locateDeployFile(projectPaths(projectDir), env)
  const used = entryOf(await readFile(path, 'utf8').catch(() => null), target)
  return used !== null && fingerprintOf(used, 64) === fingerprintOf(committed, 64)
}

function entryOf(text: string | null, target: string): Entry | null {
  try {
    const { targets } = entriesSchema.parse(parseOutsideJson(text?.replace(/^\uFEFF/, '') ?? ''))
    return Object.hasOwn(targets, target) ? (targets[target] ?? null) : null
  } catch {
    return null
  }
}
