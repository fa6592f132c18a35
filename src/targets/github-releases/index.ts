import { defineTarget } from '../define-target.ts'
import { githubConfigSchema } from './config.ts'
import { discoverGitHubReleases } from './discover.ts'
import { tagPattern } from './names.ts'

/** The releases of a GitHub repository: the one marked as the latest is what serves. */
export default defineTarget({
  label: 'GitHub Releases',
  holds: 'announcements',
  goesBackBy: 'marking an earlier release as latest, then marking the failed one',
  needs: 'a GitHub token with write access to contents',
  hosts: ['api.github.com', 'github.com', 'release-assets.githubusercontent.com'],
  token: { name: 'github', title: 'GitHub token', description: 'GitHub token with write access to contents' },
  deployTools: {
    commands: ['gh release create', 'gh release edit', 'gh release upload'],
    options: { gh: '-R --repo --hostname' },
    failure: {
      own: /^HTTP [45]\d\d\b|^(failed to|error) |\brelease not found$/im,
      anywhere: /^HTTP [45]\d\d: .{0,300}\/releases\b|^release not found$/m
    }
  },
  configSchema: githubConfigSchema,
  version: { pattern: tagPattern, says: 'the tag of a release, such as v1.4.2' },
  discover: discoverGitHubReleases,
  open: async (context) => (await import('./target.ts')).openTarget(context)
})
