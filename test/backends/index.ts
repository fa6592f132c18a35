import type { Backend } from './backend.ts'

/** Every backend; one line each. */
export const backends: Record<string, () => Promise<{ default: Backend }>> = {
  npm: () => import('./npm.ts')
}
