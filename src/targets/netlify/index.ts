import { defineTarget } from '../define-target.ts'
import { netlifyConfigSchema, versionPattern } from './config.ts'
import { discoverNetlify } from './discover.ts'

/** A Netlify site: its published deploy is what serves. */
export default defineTarget({
  label: 'Netlify',
  holds: 'traffic',
  goesBackBy: 'publishing an earlier deploy again',
  needs: 'a Netlify token',
  hosts: ['api.netlify.com'],
  token: { name: 'netlify', title: 'Netlify token', description: 'Netlify personal access token' },
  deployTools: {
    commands: ['netlify deploy'],
    aliases: { ntl: 'netlify', 'netlify-cli': 'netlify' },
    options: { netlify: '--auth -s --site --filter --cwd' },
    failure: { own: /^[ \t]*(›\s+)?(Error:|✖)/m, anywhere: /^[ \t]*›\s+Error: /m }
  },
  configSchema: netlifyConfigSchema,
  version: { pattern: versionPattern, says: 'a deploy id, the beginning of a commit, or a version of deploy.json' },
  discover: discoverNetlify,
  open: async (context) => (await import('./target.ts')).openTarget(context)
})
