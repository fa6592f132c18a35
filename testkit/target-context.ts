import { systemClock } from '../src/support/clock.ts'
import { createMask } from '../src/support/mask.ts'
import type { Run, TargetContext } from '../src/targets/target.ts'

/** What a target is given when it is opened, for tests of its verbs; whatever is not said is empty. */
export function targetContext(
  parts: Partial<TargetContext> & Pick<TargetContext, 'name' | 'projectDir'>
): TargetContext {
  return { config: {}, history: [], env: {}, clock: systemClock, log: () => undefined, mask: createMask(), ...parts }
}

/** A running step, with all that it said. */
export function testRun(parts: Partial<Run> = {}): Run & { said: string[] } {
  const said: string[] = []
  return {
    rollbackId: 'rb-20260101-000000-test',
    accepted: [],
    signal: AbortSignal.timeout(200_000),
    cancelled: new AbortController().signal,
    attended: true,
    progress: (message) => said.push(message),
    evidence: () => undefined,
    said,
    ...parts
  }
}
