import type { Scene } from './stage.ts'

/** Every scene; one line each. */
export const scenes: Record<string, () => Promise<{ default: Scene }>> = {
  docker: () => import('./docker.ts'),
  npm: () => import('./npm.ts'),
  release: () => import('./release.ts')
}
