import { defineTarget } from '../define-target.ts'
import { vercelConfigSchema, versionPattern } from './config.ts'
import { discoverVercel } from './discover.ts'

/** A Vercel project: the deployment that its production domains lead to is what serves. */
export default defineTarget({
  label: 'Vercel',
  holds: 'traffic',
  goesBackBy: 'Instant Rollback to an earlier production deployment',
  needs: 'a Vercel token',
  hosts: ['api.vercel.com'],
  token: { name: 'vercel', title: 'Vercel token', description: 'Vercel access token' },
  deployTools: {
    commands: ['vercel', 'vercel deploy', 'vercel promote', 'vercel redeploy'],
    aliases: { vc: 'vercel' },
    options: {
      vercel:
        '-t --token -S --scope -T --team -A --local-config -Q --global-config --cwd -e --env -b --build-env -m --meta --target --regions -n --name'
    },
    failure: { own: /^[ \t]*(Error:|Error!|▲ ERROR)/m, anywhere: /^[ \t]*▲ ERROR/m }
  },
  configSchema: vercelConfigSchema,
  version: { pattern: versionPattern, says: 'a deployment id, the beginning of a commit, or a version of deploy.json' },
  discover: discoverVercel,
  open: async (context) => (await import('./target.ts')).openTarget(context)
})
