import { describe, inject } from 'vitest'

/** A describe block on a real backend: skipped, and named at the end of the run, where the backend is missing. */
export function describeOn(name: string, title: string, body: (env: Record<string, string>) => void): void {
  const env = inject('backends')[name]
  describe.skipIf(!env)(title, () => body(env ?? {}))
}
