import { describe, inject } from 'vitest'
import { canStartEngine } from '../../testkit/backends/docker.ts'

type Body = (env: Record<string, string>) => void

/** A describe block on a real backend: skipped, and named at the end of the run, where the backend is missing. */
export function describeOn(name: string, title: string, body: Body): void {
  const env = inject('backends')[name]
  if (env === undefined) throw new Error(`This file's project has no backend ${name}: see test/projects.ts`)
  describe.skipIf(!env)(title, () => body(env ?? {}))
}

/** The same on an engine that the block starts for itself. */
export function describeOnOwnEngine(title: string, body: Body): void {
  if (canStartEngine()) describeOn('docker', title, body)
  else describe.skip(title, () => body({}))
}
