import { z } from 'zod'
import { git } from './git.ts'

const committedSchema = z.looseObject({
  targets: z.record(z.string(), z.looseObject({ automatic: z.unknown().optional() }))
})

/**
 * Whether the deploy.json of the project's last commit allows a target's rollbacks that nobody confirms. What is merely on the
 * disk may have been written a moment ago, and does not count.
 */
export async function committedAutomatic(projectDir: string, target: string): Promise<boolean> {
  const committed = await git(projectDir, ['show', '--no-textconv', 'HEAD:./.claude/popkit/deploy.json'])
  if (committed === null) return false
  try {
    const { targets } = committedSchema.parse(JSON.parse(committed.replace(/^\uFEFF/, '')))
    return Object.hasOwn(targets, target) && targets[target]?.automatic === true
  } catch {
    return false
  }
}
