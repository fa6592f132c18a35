import { join } from 'node:path'
import { parseOutsideJson } from '../../support/nesting.ts'
import { readText } from '../../support/read-text.ts'
import type { Discover } from '../target.ts'

/** A project that Netlify's program has linked to a site. */
export const discoverNetlify: Discover = async (projectDir) => {
  try {
    const state: unknown = parseOutsideJson(await readText(join(projectDir, '.netlify/state.json')))
    const site = (state as { siteId?: unknown }).siteId
    if (typeof site !== 'string' || site === '') return null
    return { config: { site_id: site }, because: `.netlify/state.json links it to the site ${site.slice(0, 60)}` }
  } catch {
    return null
  }
}
