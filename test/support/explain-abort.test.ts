import { expect, test } from 'vitest'
import { assessmentSchema, renderAssessment } from '../../src/render/assessment.ts'
import { renderedTool } from '../../src/render/rendered-tool.ts'
import { systemClock } from '../../src/support/clock.ts'
import { TargetError } from '../../src/support/errors.ts'
import { explainAbort } from '../../src/support/explain-abort.ts'
import { assessRollback } from '../../src/tools/assess-rollback.ts'
import { newShelf } from '../../testkit/in-memory-target.ts'
import { engine } from '../rollback/engine-harness.ts'

const never = new AbortController().signal

test('time that is up is a target that did not answer, not a fault of the program', async () => {
  const error = explainAbort(
    await systemClock.sleep(60_000, systemClock.limit(1)).catch((thrown: unknown) => thrown),
    never
  )
  expect(error).toMatchObject({ fault: 'target', code: 'timeout', retryable: true, state: 'Nothing was changed.' })
})

test('a call that its caller cancelled is said to be cancelled, whatever the reason that was given', () => {
  for (const reason of [undefined, 'enough', new Error('enough')]) {
    const cancelled = AbortSignal.abort(reason)
    const thrown = explainAbort(cancelled.reason, cancelled)
    expect(thrown).toMatchObject({ fault: 'input', code: 'cancelled' })
  }
})

test('what is no abort stays what it is', () => {
  const known = new TargetError({ what: 'It failed', why: 'so', next: 'Wait.' })
  expect(explainAbort(known, AbortSignal.abort())).toBe(known)
  const bug = new TypeError('x is not a function')
  expect(explainAbort(bug, AbortSignal.abort())).toBe(bug)
})

test('a tool renders it', async () => {
  const { session } = await engine(newShelf())
  const { projectDir, clock, log, mask } = session
  const slow = {
    ...assessRollback,
    run: async () => {
      throw new DOMException('timeout', 'TimeoutError')
    }
  }
  const project = { projectDir, env: {}, clock, log, mask }
  const call = {
    project,
    report: () => undefined,
    cancelled: never,
    consent: async () => undefined,
    group: { consent: async () => undefined }
  }
  const { answer, isError } = await renderedTool(slow, assessmentSchema, renderAssessment).call({}, call)
  expect(isError).toBe(true)
  expect(answer.summary).toContain('The target did not answer in time')
  expect(answer.summary).not.toContain('fault of')
})
