import { join } from 'node:path'
import type { JsonObject } from '../../model/json.ts'
import { parseOutsideJson } from '../../support/nesting.ts'
import { readText } from '../../support/read-text.ts'
import type { Discover } from '../target.ts'

/** A project that Vercel's program has linked. */
export const discoverVercel: Discover = async (projectDir) => {
  try {
    const link = parseOutsideJson(await readText(join(projectDir, '.vercel/project.json'))) as Record<string, unknown>
    const { projectId, orgId } = link
    if (typeof projectId !== 'string' || projectId === '') return null
    const config: JsonObject = { project_id: projectId }
    if (typeof orgId === 'string' && orgId.startsWith('team_')) config.team_id = orgId
    return { config, because: '.vercel/project.json links it to a project' }
  } catch {
    return null
  }
}
