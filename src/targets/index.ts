import type { TargetType } from './define-target.ts'

/** Every type of target, by its name in deploy.json; one line each. They are looked for in a project in this order. */
export const targetTypes: Record<string, () => Promise<{ default: TargetType }>> = {
  docker: () => import('./docker/index.ts'),
  npm: () => import('./npm/index.ts'),
  github_releases: () => import('./github-releases/index.ts'),
  kubernetes: () => import('./kubernetes/index.ts'),
  pypi: () => import('./pypi/index.ts'),
  netlify: () => import('./netlify/index.ts'),
  vercel: () => import('./vercel/index.ts')
}
