import { describe, inject } from 'vitest'
import { canStartEngine } from '../../testkit/backends/docker.ts'

type Body = (env: Record<string, string>) => void

/**
 * A describe block on a real backend: skipped, and named at the end of the run, where the backend is missing. In the project
 * `docker-current` the backend `docker` is the current engine, with its own programs.
 */
export function describeOn(name: string, title: string, body: Body): void {
  const backends = inject('backends')
  const current = name === 'docker' ? backends['docker-current'] : undefined
  if (current) Object.assign(process.env, { DOCKER_HOST: current.host, PATH: `${current.path}:${process.env.PATH}` })
  const env = current === undefined ? backends[name] : current
  if (env === undefined) throw new Error(`This file's project has no backend ${name}: see test/projects.ts`)
  describe.skipIf(!env)(title, () => body(env ?? {}))
}

/** The same on an engine that the block starts for itself. */
export function describeOnOwnEngine(title: string, body: Body): void {
  if (canStartEngine()) describeOn('docker', title, body)
  else describe.skip(title, () => body({}))
}
