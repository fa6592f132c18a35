import { ConfigError } from '../../support/errors.ts'
import type { TargetContext } from '../target.ts'
import { openVercel, type ProjectName, type Vercel } from './api.ts'
import type { VercelConfig } from './config.ts'
import { discoverVercel } from './discover.ts'

/** What every part of the target works with. */
export interface VercelContext extends TargetContext<VercelConfig> {
  vercel: Vercel
}

/** @throws ConfigError when no project is named, or no token is there. */
export async function openContext(given: TargetContext<VercelConfig>): Promise<VercelContext> {
  const name = await projectOf(given)
  given.mask.spare(name.project)
  return { ...given, vercel: await openVercel(name, given) }
}

async function projectOf({ config, env, projectDir }: TargetContext<VercelConfig>): Promise<ProjectName> {
  const linked = (await discoverVercel(projectDir, env))?.config
  const project = config.project_id ?? env.VERCEL_PROJECT_ID ?? linked?.project_id
  const organisation = config.team_id ?? env.VERCEL_ORG_ID ?? linked?.team_id
  const team = typeof organisation === 'string' && organisation.startsWith('team_') ? organisation : null
  if (typeof project === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(project))
    return { project, team: config.team_id ?? team }
  throw new ConfigError({
    what: 'The Vercel project is not configured',
    why: '`project_id` in deploy.json, VERCEL_PROJECT_ID and .vercel/project.json are all missing or not valid',
    next: 'Set targets.vercel.config.project_id in deploy.json.',
    code: 'no_project'
  })
}
