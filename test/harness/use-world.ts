import { afterAll, afterEach } from 'vitest'
import { createWorld, type World } from '../../testkit/docker/world.ts'

/** A corner of the engine for the tests of one block: its containers are removed after each, all else after the last. */
export function useWorld(): World {
  const world = createWorld()
  afterEach(() => world.clear())
  afterAll(() => world.remove())
  return world
}
