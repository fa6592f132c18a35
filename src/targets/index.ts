import { discoverDocker } from './docker/discover.ts'
import { discoverGitHubReleases } from './github-releases/discover.ts'
import { discoverKubernetes } from './kubernetes/discover.ts'
import { discoverNetlify } from './netlify/discover.ts'
import { discoverNpm } from './npm/discover.ts'
import { discoverPypi } from './pypi/discover.ts'
import type { Discover, TargetModule } from './target.ts'
import { discoverVercel } from './vercel/discover.ts'

interface TargetType {
  /** Loads the target's folder, and with it its client, on first use. */
  load(): Promise<TargetModule>
  /** Looks for the target in a project without deploy.json. */
  discover?: Discover
}

/** Every type of target this program knows; one line each. */
export const targetTypes: Record<string, TargetType> = {
  docker: { load: async () => (await import('./docker/index.ts')).default, discover: discoverDocker },
  npm: { load: async () => (await import('./npm/index.ts')).default, discover: discoverNpm },
  github_releases: {
    load: async () => (await import('./github-releases/index.ts')).default,
    discover: discoverGitHubReleases
  },
  kubernetes: { load: async () => (await import('./kubernetes/index.ts')).default, discover: discoverKubernetes },
  pypi: { load: async () => (await import('./pypi/index.ts')).default, discover: discoverPypi },
  netlify: { load: async () => (await import('./netlify/index.ts')).default, discover: discoverNetlify },
  vercel: { load: async () => (await import('./vercel/index.ts')).default, discover: discoverVercel }
}
