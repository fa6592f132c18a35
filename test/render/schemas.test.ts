import { expect, test } from 'vitest'
import { assessmentSchema, renderAssessment } from '../../src/render/assessment.ts'
import { incidentSchema, renderIncident } from '../../src/render/incident.ts'
import { renderRollback, rollbackSchema } from '../../src/render/rollback.ts'
import { renderVerification, verificationSchema } from '../../src/render/verification.ts'
import { assess } from '../../src/rollback/assess/assess.ts'
import { verify } from '../../src/rollback/verify.ts'
import { newShelf } from '../../testkit/in-memory-target.ts'
import { engine } from '../rollback/engine-harness.ts'

const request = { version: '1.1.0', plan_id: 'plan' }

test('a rendered assessment with risks, a diagnosis and many candidates matches its schema', async () => {
  const risks = [{ id: 'moved', serious: true, title: 'Moved', detail: 'tag' }]
  const { session } = await engine(newShelf({ risks }))
  const assessment = await assess(session, { investigate: true, signal: AbortSignal.timeout(10_000) })
  const many = {
    ...assessment,
    candidates: Array.from({ length: 9 }, () => assessment.candidates[0]).flatMap((c) => c ?? [])
  }
  expect(assessmentSchema.parse(renderAssessment(many).data)).toMatchObject({ candidates_left_out: 1 })
})

test('a rendered rollback, dry run and manual rollback match their schema', async () => {
  const { rollBack } = await engine(newShelf())
  expect(rollbackSchema.parse(renderRollback(await rollBack({ dryRun: true }), request).data).dry_run).toBe(true)
  expect(rollbackSchema.parse(renderRollback(await rollBack(), request).data).outcome).toBe('succeeded')
  const manual = await (await engine(newShelf({ manual: ['Press the button'] }))).rollBack()
  expect(rollbackSchema.parse(renderRollback(manual, request).data).instructions).toEqual(['Press the button'])
})

test('a rendered verification and incident match their schemas', async () => {
  const { rollBack, session } = await engine(newShelf())
  await rollBack()
  const found = await verify(session, { soakMs: 0, signal: AbortSignal.timeout(10_000) })
  expect(verificationSchema.parse(renderVerification(found).data).verdict).toBe('healthy')
  const written = { path: 'a.md', target: 'shelf', severityReason: 'set', outage: 'unknown', outageMs: null }
  expect(incidentSchema.parse(renderIncident({ ...written, severity: 'P2' }).data).outage_ms).toBeNull()
})

test('a recorded failure that the health check does not show is explained in the first lines', async () => {
  const { assess } = await engine(newShelf({ health: { '1.2.0': 'healthy', '1.1.0': 'healthy' } }))
  expect(renderAssessment(await assess()).summary.split('\n')[0]).toBe(
    'shelf: FAILED. 1.2.0: recorded as failed, since 14:30 UTC (5 min); its health check passes'
  )
})
