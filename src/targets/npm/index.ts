import { defineTarget } from '../define-target.ts'
import { npmConfigSchema } from './config.ts'
import { discoverNpm } from './discover.ts'
import { versionPattern } from './names.ts'

/** A package of an npm registry: what its dist-tag points at is what serves. */
export default defineTarget({
  label: 'npm',
  holds: 'packages',
  goesBackBy: 'moving the dist-tag, then deprecating the failed version',
  needs: 'an npm login with write access',
  hosts: ['registry.npmjs.org'],
  deployTools: {
    commands: [
      'yarn npm publish',
      'npm publish',
      'pnpm publish',
      'yarn publish',
      'bun publish',
      'lerna publish',
      'changeset publish'
    ],
    options: {
      'npm pnpm yarn bun lerna changeset':
        '--prefix -w --workspace -C --dir -F --filter --cwd --registry --tag --otp --access --userconfig --loglevel'
    },
    failure: {
      own: /^[ \t]{0,16}npm (ERR!|error)\s|ERR_PNPM|^[ \t]{0,16}error Couldn't publish/m,
      anywhere:
        /^npm (ERR!|error) (code E(PUBLISHCONFLICT|PRIVATE|NEEDAUTH|OTP)\b|[45]\d\d .{0,300} - PUT )|error Couldn't publish|ERR_PNPM_(GIT|PUBLISH|REGISTRY)/m
    }
  },
  configSchema: npmConfigSchema,
  version: { pattern: versionPattern, says: 'an exact version such as 1.4.2 or 2.0.0-beta.1' },
  discover: discoverNpm,
  open: async (context) => (await import('./target.ts')).openTarget(context)
})
