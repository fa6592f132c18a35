import { ConfigError } from '../../support/errors.ts'
import type { TargetContext } from '../target.ts'
import { type Netlify, openNetlify } from './api.ts'
import { type NetlifyConfig, sitePattern } from './config.ts'
import { discoverNetlify } from './discover.ts'

/** What every part of the target works with. */
export interface NetlifyContext extends TargetContext<NetlifyConfig> {
  netlify: Netlify
}

/** @throws ConfigError when no site is named, or no token is there. */
export async function openContext(given: TargetContext<NetlifyConfig>): Promise<NetlifyContext> {
  const site = await siteOf(given)
  given.mask.spare(site)
  return { ...given, netlify: await openNetlify(site, given) }
}

async function siteOf({ config, env, projectDir }: TargetContext<NetlifyConfig>): Promise<string> {
  const linked = await discoverNetlify(projectDir, env)
  const site = config.site_id ?? env.NETLIFY_SITE_ID ?? linked?.config.site_id
  if (typeof site === 'string' && sitePattern.test(site)) return site
  throw new ConfigError({
    what: 'The Netlify site is not configured',
    why: '`site_id` in deploy.json, NETLIFY_SITE_ID and .netlify/state.json are all missing or not valid',
    next: 'Set targets.netlify.config.site_id in deploy.json.',
    code: 'no_site'
  })
}
