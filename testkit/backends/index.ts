import type { Backend } from './backend.ts'

/** Every backend; one line each. */
export const backends: Record<string, () => Promise<{ default: Backend }>> = {
  docker: () => import('./docker.ts'),
  'docker-current': () => import('./docker-current.ts'),
  kubernetes: () => import('./kubernetes.ts'),
  helm: () => import('./helm.ts'),
  npm: () => import('./npm.ts'),
  prometheus: () => import('./prometheus.ts'),
  chromium: () => import('./chromium.ts'),
  host: () => import('./host.ts')
}
